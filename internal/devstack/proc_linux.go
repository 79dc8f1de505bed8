package devstack

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// childAttr detaches a child from the terminal's process group (Ctrl-C is ours to
// handle) and has the kernel interrupt it should this process die without a word.
func childAttr(account *account) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	if account != nil {
		attr.Credential = account.credential()
	}
	return attr
}

// inheritedPath names a file that a child gets as its file descriptor fd (3 for the first
// of exec.Cmd.ExtraFiles), so that it opens it without passing the folders above, which
// it may have no right to enter.
func inheritedPath(fd int, _ string) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// unforked calls do while no child is being started: between fork and exec a child holds
// every socket that is open, and a port that do has closed would still be taken.
func unforked(do func()) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	do()
}

// portOwner says which process listens on a local TCP port, "" when that cannot be known.
func portOwner(port int) string {
	inodes := listeningInodes(port)
	if len(inodes) == 0 {
		return ""
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && inodes[target] {
			pid := strings.Split(link, "/")[2]
			return fmt.Sprintf("process %s (%s)", pid, processName(pid))
		}
	}
	return ""
}

// listeningInodes returns "socket:[inode]" of each socket that listens on port, as
// /proc/net/tcp tells (proc(5)).
func listeningInodes(port int) map[string]bool {
	const stateListen, columnLocal, columnState, columnInode = "0A", 1, 3, 9
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		raw, err := os.ReadFile(table) //nolint:gosec // a name from the list above
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(raw)) {
			fields := strings.Fields(line)
			if len(fields) <= columnInode || fields[columnState] != stateListen {
				continue
			}
			_, hex, _ := strings.Cut(fields[columnLocal], ":")
			if n, err := strconv.ParseInt(hex, 16, 32); err == nil && int(n) == port {
				inodes["socket:["+fields[columnInode]+"]"] = true
			}
		}
	}
	return inodes
}

// processName is the command name of a process, "" when it has ended.
func processName(pid string) string {
	raw, err := os.ReadFile(filepath.Join("/proc", pid, "comm")) //nolint:gosec // in /proc
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// processFolder is the folder that a process works in. [fs.ErrPermission] when the kernel
// does not tell us, as in a container without CAP_SYS_PTRACE for another user's process.
func processFolder(pid int) (os.FileInfo, error) {
	return os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
}

// processStart is when a process began: a number of ticks after the machine's own start (proc(5)).
func processStart(pid int) (time.Time, error) {
	const ticks = 100 // a second, on every architecture that Go runs on
	const state, started = 0, 19
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return time.Time{}, err
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])) // the name before them may hold spaces
	if len(fields) <= started || fields[state] == "Z" {
		return time.Time{}, os.ErrProcessDone
	}
	after, err := strconv.ParseInt(fields[started], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("start of process %d: %w", pid, err)
	}
	booted, err := bootTime()
	return time.Unix(booted, 0).Add(time.Duration(after) * time.Second / ticks), err
}

// bootTime is the machine's start, in seconds since 1970.
func bootTime() (int64, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if seconds, ok := strings.CutPrefix(line, "btime "); ok {
			return strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
		}
	}
	return 0, fmt.Errorf("start of the machine: %w", errors.ErrUnsupported)
}
