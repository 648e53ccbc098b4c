package main

import (
	"context"
	"net"
	"os"
	"os/exec"
)

// channelBinding tries Extended Protection as Windows has it at "Allow": the
// binding to this channel is taken, another is refused, none is taken.
func channelBinding(ctx context.Context, b *bench) error {
	ca, err := b.certificate("server", "-addext", "subjectAltName=DNS:"+host)
	if err != nil {
		return err
	}
	if _, err := b.certificate("proxy"); err != nil {
		return err
	}
	same, err := b.startAcceptor(ctx, ca, "server.pem")
	if err != nil {
		return err
	}
	b.say("bound to the server's certificate", same.wantMethod(ctx, "NTLM"))
	b.say("many at once, a wrong password rides on no connection", same.manyAtOnce(ctx, "ntlm"))
	other, err := b.startAcceptor(ctx, ca, "proxy.pem")
	if err != nil {
		return err
	}
	b.say("behind a certificate of a proxy only without a binding", other.wantMethod(ctx, "NTLM without channel binding"))
	return nil
}

func (b *bench) startAcceptor(ctx context.Context, ca, bound string) (server, error) {
	s := server{freeAddress(), ca}
	if err := b.writeUsers(); err != nil {
		return s, err
	}
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return s, err
	}
	command := exec.CommandContext(ctx, "/usr/bin/python3", "compat/python/ntlm_acceptor.py", port, b.path("server.pem"), b.path("server.key"), b.path(bound))
	command.Env = append(os.Environ(), "NTLM_USER_FILE="+b.path("users"))
	if err := b.background(command); err != nil {
		return s, err
	}
	return s, waitFor(ctx, s.address)
}
