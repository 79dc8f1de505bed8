package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Advise adds to an error of a stack with these options what a person can do about it, where
// that is known: a full disk, a folder that can't be written to, a taken port. Dir is absolute.
func (o Options) Advise(err error) error {
	_, taken := errors.AsType[*PortTakenError](err)
	cause := inFolder(o.Dir, err)
	full := errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT)
	switch {
	case err == nil:
		return nil
	case full || o.DatabaseURL == "" && serverFull(err):
		return fmt.Errorf("disk full: free some space on the disk that holds %s, then start again; what was acknowledged is kept. %w", o.Dir, err)
	case serverFull(err):
		return fmt.Errorf("the disk of the Postgres server that %s names is full: free some space there, then start again. %w", databaseVariable, err)
	case errors.Is(cause, fs.ErrPermission) || errors.Is(cause, syscall.EROFS):
		return fmt.Errorf("%w. The stack's folder is %s: make it writable for the user who starts the stack, or choose another with --dir", err, o.Dir)
	case taken:
		return fmt.Errorf("%w\nStop what has the port, or start on other ports, say with --ports-from 4100", err)
	}
	return err
}

// inFolder is why a file could not be used that lies in dir, or is one of the folders that lead to it.
func inFolder(dir string, err error) error {
	var paths []string
	var cause error
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		paths, cause = []string{at.Path}, at.Err
	} else if at, ok := errors.AsType[*os.LinkError](err); ok {
		paths, cause = []string{at.Old, at.New}, at.Err
	}
	for _, path := range paths {
		if within(dir, path) || within(path, dir) {
			return cause
		}
	}
	return nil
}

func within(dir, path string) bool {
	between, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(between)
}

// serverFull tells whether a Postgres server wants space: as it answers, or in the words of
// the private one, which speaks English (see postgresCluster) and is quoted from this start on.
func serverFull(err error) bool {
	const diskFull = "53100"
	code, answered := errors.AsType[*pgconn.PgError](err)
	return answered && code.Code == diskFull || err != nil && strings.Contains(err.Error(), "No space left on device")
}
