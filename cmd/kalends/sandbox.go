package main

import (
	"time"

	"kalends/sandbox"
	"kalends/sandbox/ewsfake"
)

type sandboxCommand struct {
	Company   string `help:"JSON file of a company instead of the invented one." placeholder:"FILE"`
	Seed      int64  `default:"1" help:"Seed of the invented company."`
	People    int    `default:"40" help:"How many people."`
	Events    int    `help:"At least so many events in each calendar."`
	Plain     bool   `help:"Without people for whom something goes wrong."`
	LatencyMS int    `name:"latency-ms" help:"Milliseconds that each answer takes."`
	Exchange  string `default:"Exchange2013_SP1" enum:"Exchange2007,Exchange2007_SP1,Exchange2010,Exchange2010_SP1,Exchange2010_SP2,Exchange2013_SP1,Exchange2016,Exchange2019,ExchangeSE" help:"Version of the simulated Exchange: ${enum}."`
	WriteCA   string `name:"write-ca" help:"Where the certificate of the sandbox's own authority goes; by default a temporary file." placeholder:"FILE"`
	JSON      bool   `help:"Print one JSON line that says where everything is."`
}

// Run serves until the environment's context ends.
func (c sandboxCommand) Run(e *environment, s *settings) error {
	return sandbox.Run(e.ctx, sandbox.Config{
		Listen: s.Listen, Seed: c.Seed, People: c.People, EventsPerMailbox: c.Events, Plain: c.Plain,
		CompanyFile: c.Company, Latency: time.Duration(c.LatencyMS) * time.Millisecond, JSON: c.JSON, CAFile: c.WriteCA,
		Systems: []sandbox.System{ewsfake.System(ewsfake.Options{Version: c.Exchange})},
	}, e.out)
}
