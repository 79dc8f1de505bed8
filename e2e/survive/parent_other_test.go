//go:build !linux

package survive_test

import "syscall"

// endWithParent does nothing where a child can't be told to end with its parent.
func endWithParent() *syscall.SysProcAttr { return nil }
