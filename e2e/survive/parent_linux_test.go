package survive_test

import "syscall"

// endWithParent has the kernel end a child whose test process ends without a word, as after a
// timeout; it ends a frozen one too.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
