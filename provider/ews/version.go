package ews

import "slices"

// version is a RequestServerVersion value.
type version string

// The versions we send: MS-OXWSSRVINFO/reference section 3. Later ones add
// nothing that we use.
const (
	exchange2007SP1 version = "Exchange2007_SP1"
	exchange2010    version = "Exchange2010"
	exchange2010SP1 version = "Exchange2010_SP1"
	exchange2010SP2 version = "Exchange2010_SP2"
	exchange2013    version = "Exchange2013"
	exchange2013SP1 version = "Exchange2013_SP1"
)

var versions = []version{exchange2007SP1, exchange2010, exchange2010SP1, exchange2010SP2, exchange2013, exchange2013SP1}

func (v version) known() bool { return slices.Contains(versions, v) }

// before tells whether v is older; unknown values are older than all.
func (v version) before(other version) bool {
	return slices.Index(versions, v) < slices.Index(versions, other)
}

// older gives the older of two.
func older(a, b version) version {
	if b.before(a) {
		return b
	}
	return a
}

// stepDown gives the version to try after this one was too new: what the server
// shows to be, or the last one of the release before.
func (v version) stepDown(shown serverVersion) version {
	if seen := shown.request(); shown.Major > 0 && seen.before(v) {
		return seen
	}
	for _, next := range []version{exchange2010SP2, exchange2010} {
		if next.before(v) {
			return next
		}
	}
	return exchange2007SP1
}

// serverVersion is the header that Exchange sends with each answer. Its Version
// attribute may be absent and is never sent back.
type serverVersion struct {
	Major int `xml:"MajorVersion,attr"`
	Minor int `xml:"MinorVersion,attr"`
	Build int `xml:"MajorBuildNumber,attr"`
}

// request gives the highest version that this server understands and we use.
func (s serverVersion) request() version {
	switch {
	case s.Major > 15, s.Major == 15 && (s.Minor > 0 || s.Build >= 847):
		return exchange2013SP1
	case s.Major == 15:
		return exchange2013
	case s.Major == 14 && s.Minor >= 2:
		return exchange2010SP2
	case s.Major == 14 && s.Minor == 1:
		return exchange2010SP1
	case s.Major == 14:
		return exchange2010
	}
	return exchange2007SP1
}

// tooOld tells what comes before Exchange 2007 SP1 (8.1).
func (s serverVersion) tooOld() bool {
	return s.Major > 0 && (s.Major < 8 || s.Major == 8 && s.Minor < 1)
}

// online tells Exchange Online (15.20).
func (s serverVersion) online() bool { return s.Major == 15 && s.Minor >= 20 }

// name is what administrators call the server.
func (s serverVersion) name() string {
	names := map[[2]int]string{
		{8, 0}: "Exchange 2007", {8, 1}: "Exchange 2007 SP1", {8, 2}: "Exchange 2007 SP2", {8, 3}: "Exchange 2007 SP3",
		{14, 0}: "Exchange 2010", {14, 1}: "Exchange 2010 SP1", {14, 2}: "Exchange 2010 SP2", {14, 3}: "Exchange 2010 SP3",
		{15, 0}: "Exchange 2013", {15, 1}: "Exchange 2016", {15, 2}: "Exchange 2019",
	}
	switch name, ok := names[[2]int{s.Major, s.Minor}]; {
	case s.online():
		return "Exchange Online"
	case s.Major == 15 && s.Minor == 2 && s.Build >= 2562:
		return "Exchange Server SE"
	case s.Major == 15 && s.Minor == 0 && s.Build >= 847:
		return "Exchange 2013 SP1"
	case ok:
		return name
	}
	return "Exchange"
}
