package main

import (
	kalends "kalends"
	"kalends/provider"
	"kalends/provider/ews"
)

// systems are the calendar systems that a company can connect.
func systems() map[kalends.Provider]provider.System {
	return map[kalends.Provider]provider.System{
		kalends.Exchange: ews.System(),
	}
}
