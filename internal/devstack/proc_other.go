//go:build !linux

package devstack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// childAttr detaches a child from the terminal's process group: Ctrl-C is ours to handle.
func childAttr(account *account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if account != nil {
		attr.Credential = account.credential()
	}
	return attr
}

// inheritedPath is the path itself: only Linux lets a child reopen what it inherited.
func inheritedPath(_ int, path string) string { return path }

// unforked calls do; the lock against forks is only safe to hold on Linux, where opening a socket does not take it.
func unforked(do func()) { do() }

// portOwner cannot be known without /proc.
func portOwner(int) string { return "" }

// processName is the command name of a process, "" when it has ended.
func processName(pid string) string {
	raw, err := exec.Command("ps", "-o", "comm=", "-p", pid).Output()
	if err != nil {
		return ""
	}
	return filepath.Base(strings.TrimSpace(string(raw)))
}

// processFolder cannot be known without /proc.
func processFolder(int) (os.FileInfo, error) { return nil, errors.ErrUnsupported }

// processStart is when a process began.
func processStart(pid int) (time.Time, error) {
	command := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid))
	command.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=/usr/bin:/bin"}
	raw, err := command.Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("start of process %d: %w", pid, err)
	}
	return time.Parse(time.ANSIC, strings.TrimSpace(string(raw)))
}
