package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// Advise adds to an error of a stack on dir what a person can do about it, where that is
// known: a full disk, a folder that can't be written to, a taken port.
func Advise(dir string, err error) error {
	path, link, taken := new(fs.PathError), new(os.LinkError), new(PortTakenError)
	inFolder := errors.As(err, &path) || errors.As(err, &link)
	switch {
	case err == nil:
		return nil
	case diskFull(err):
		return fmt.Errorf("disk full: free some space on the disk that holds %s, then start again; what was acknowledged is kept. %w", dir, err)
	case inFolder && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)):
		return fmt.Errorf("%w. The stack's folder is %s: make it writable for the user who starts the stack, or choose another with --dir", err, dir)
	case errors.As(err, &taken):
		return fmt.Errorf("%w\nStop what has the port, or start on other ports, say with --ports-from 4100", err)
	}
	return err
}

// diskFull tells whether it was for want of space: as the kernel says it, or a server whose
// words are all there is of it (the private Postgres speaks English, see postgresCluster).
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || strings.Contains(err.Error(), "No space left on device")
}
