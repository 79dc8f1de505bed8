package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is an unprivileged user of the machine. nil stands for whoever we are.
type account struct {
	name     string
	uid, gid uint32
}

// unprivileged finds whom Postgres may run as when we are root (it refuses root); nil when we are not.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody", "daemon"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(found.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(found.Gid, 10, 32)
		if errUID == nil && errGID == nil && uid != 0 {
			return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("Postgres does not run as root, and this machine has none of the users postgres, nobody and daemon: start as another user")
}

func (a *account) credential() *syscall.Credential {
	return &syscall.Credential{Uid: a.uid, Gid: a.gid, NoSetGroups: false}
}

// own hands a tree to the account; without one nothing changes.
func (a *account) own(root string) error {
	if a == nil {
		return nil
	}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(a.uid), int(a.gid)) //nolint:gosec // a folder that we have just made
	})
	if err != nil {
		return fmt.Errorf("hand %s to user %s: %w", root, a.name, err)
	}
	return nil
}

// reaches tells whether the account may pass through every folder above path.
func (a *account) reaches(path string) bool {
	if a == nil {
		return true
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		mode := info.Mode().Perm()
		mine := ok && (stat.Uid == a.uid && mode&0o100 != 0 || stat.Gid == a.gid && mode&0o010 != 0)
		if mode&0o001 == 0 && !mine {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}
