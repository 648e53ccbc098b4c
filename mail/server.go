package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Server is an SMTP server that takes our mail.
type Server struct {
	Host     string
	Port     int // 0 = 587, with Implicit 465
	User     string
	Password string
	From     string // "Kalends <kalends@musterwerk.example>"
	Implicit bool   // TLS from the first byte
	Plain    bool   // no TLS: a relay on the same machine
	TLS      *tls.Config
	Timeout  time.Duration // 0 = 15 s
}

// ErrRefused is in the chain of errors that trying again does not mend: the
// server refuses the address or the message for good, or the mail is not valid.
var ErrRefused = errors.New("mail: refused for good")

// Send hands a message to the server, once. Unless Plain is set the password and
// the message only travel encrypted.
func (s Server) Send(ctx context.Context, m Message) error {
	msg, err := s.write(m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	client, err := s.dial()
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return refused(err)
	}
	return nil
}

func (s Server) write(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(s.From); err != nil {
		return nil, err
	}
	to, err := netmail.ParseAddress("<" + m.To + ">")
	if err != nil {
		return nil, err
	}
	to.Name = m.ToName // go-mail's own format takes quotes in a name for its end
	if err := msg.To(to.String()); err != nil {
		return nil, err
	}
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Lang != "" {
		msg.SetGenHeader("Content-Language", m.Lang)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

func (s Server) dial() (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithTimeout(s.timeout()), gomail.WithPort(s.port())}
	switch {
	case s.Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case s.Implicit:
		options = append(options, gomail.WithSSL())
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.TLS != nil {
		options = append(options, gomail.WithTLSConfig(s.TLS))
	}
	if s.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	return gomail.NewClient(s.Host, options...)
}

func (s Server) port() int {
	switch {
	case s.Port != 0:
		return s.Port
	case s.Implicit:
		return 465
	}
	return 587
}

func (s Server) timeout() time.Duration {
	if s.Timeout == 0 {
		return 15 * time.Second
	}
	return s.Timeout
}

// refused tells what is wrong for good from what may pass. Only the recipient and
// the message can be wrong for good: what the server says about us and our
// password is the operator's to mend, and the mail waits for that.
func refused(err error) error {
	var sent *gomail.SendError
	if errors.As(err, &sent) && !sent.IsTemp() && aboutMessage(sent) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("mail: %w", err)
}

// aboutMessage leaves out 530 to 538: those ask for a sign-in (RFC 4954, section 6).
func aboutMessage(sent *gomail.SendError) bool {
	switch sent.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		code := sent.ErrorCode()
		return code >= 500 && (code < 530 || code > 538)
	}
	return false
}
