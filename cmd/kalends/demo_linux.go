package main

import "syscall"

// endWithParent has the kernel end a child with this process, even after kill -9.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
