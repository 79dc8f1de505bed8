//go:build !linux

package devstack

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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
