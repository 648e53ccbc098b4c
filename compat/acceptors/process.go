package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

func (b *bench) path(name string) string { return filepath.Join(b.folder, name) }

// certificate makes NAME.pem and NAME.key, signed by itself, and gives the PEM.
func (b *bench) certificate(name string, more ...string) (string, error) {
	args := append([]string{
		"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + host,
		"-keyout", b.path(name + ".key"), "-out", b.path(name + ".pem"),
	}, more...)
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil { //nolint:noctx // some milliseconds
		return "", fmt.Errorf("openssl req: %w: %s", err, out)
	}
	pem, err := os.ReadFile(b.path(name + ".pem"))
	return string(pem), err
}

// background starts a process that ends with this one.
func (b *bench) background(command *exec.Cmd) error {
	log, err := os.Create(b.path(filepath.Base(command.Path) + ".log"))
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	return command.Start()
}

// freeAddress gives an address nobody listens at.
func freeAddress() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // local
	if err != nil {
		return "127.0.0.1:0"
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// waitFor returns as soon as somebody listens.
func waitFor(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("the acceptor did not get ready"), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// hostOf gives host and port of a URL.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
