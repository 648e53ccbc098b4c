package ewsfake

import "fmt"

// build is a server's version as ServerVersionInfo shows it.
type build struct {
	name                           string
	major, minor, number, revision int
	schema                         string // attribute Version; "" = absent
	level                          int    // of the newest RequestServerVersion that it takes
}

// levels orders the values of RequestServerVersion: ExchangeVersionType of the
// schemas. There is no Exchange2019.
var levels = map[string]int{
	"Exchange2007": 1, "Exchange2007_SP1": 2, "Exchange2010": 3, "Exchange2010_SP1": 4, "Exchange2010_SP2": 5,
	"Exchange2013": 6, "Exchange2013_SP1": 7, "Exchange2009": 8, "Exchange2012": 8, "Exchange2015": 8, "Exchange2016": 8,
	"V2015_10_05": 8, "V2016_01_06": 8, "V2016_04_13": 8, "V2016_07_13": 8, "V2016_10_10": 8, "V2017_01_07": 8,
	"V2017_04_14": 8, "V2017_07_11": 8,
}

// The levels at which something came.
const (
	level2007    = 2
	level2010    = 3
	level2010SP2 = 5
	level2013    = 6
	level2016    = 8
)

const defaultVersion = "Exchange2013_SP1"

// builds are the servers that can be simulated; the numbers are recorded or
// Microsoft's ("Exchange Server build numbers and release dates").
var builds = []build{
	{"Exchange2007", 8, 0, 595, 0, "", 1},
	{"Exchange2007_SP1", 8, 1, 436, 0, "Exchange2007_SP1", 2},
	{"Exchange2010", 14, 0, 639, 21, "Exchange2010", 3},
	{"Exchange2010_SP1", 14, 1, 164, 0, "Exchange2010_SP1", 4},
	{"Exchange2010_SP2", 14, 2, 328, 9, "Exchange2010_SP2", 5},
	{"Exchange2013_SP1", 15, 0, 1497, 48, "V2_23", 7},
	{"Exchange2016", 15, 1, 2507, 39, "V2017_07_11", 8},
	{"Exchange2019", 15, 2, 1748, 10, "V2017_07_11", 8},
	{"ExchangeSE", 15, 2, 2562, 17, "V2017_07_11", 8},
}

func findBuild(version string) (build, bool) {
	for _, b := range builds {
		if b.name == version {
			return b, true
		}
	}
	return build{}, false
}

func buildOf(version string) build {
	b, known := findBuild(version)
	if !known {
		b, _ = findBuild(defaultVersion)
	}
	return b
}

// header is ServerVersionInfo; its Version attribute may be absent.
func (b build) header(bare bool) string {
	schema := ""
	if b.schema != "" && !bare {
		schema = ` Version="` + b.schema + `"`
	}
	return fmt.Sprintf(`<h:ServerVersionInfo MajorVersion="%d" MinorVersion="%d" MajorBuildNumber="%d" MinorBuildNumber="%d"%s xmlns:h="%s"/>`,
		b.major, b.minor, b.number, b.revision, schema, nsTypes)
}

// checkVersion decides what RequestServerVersion means: Exchange 2007 where it
// is absent, an error where this server does not know it.
func (c *call) checkVersion() *problem {
	if c.version == "" {
		c.version = "Exchange2007"
	}
	c.level = levels[c.version]
	if c.level == 0 || c.level > c.build.level {
		return fail("ErrorInvalidServerVersion")
	}
	return nil
}

// checkBackEnd is what a mailbox on an older server than the front end means:
// its answers come from there, and it knows no newer schema.
func (c *call) checkBackEnd() *problem {
	if c.acting == nil || c.acting.Server == "" {
		return nil
	}
	older, known := findBuild(c.acting.Server)
	if !known || older.level >= c.build.level {
		return nil
	}
	c.build = older
	if c.level > older.level {
		return fail("ErrorInvalidSchemaVersionForMailboxVersion")
	}
	return nil
}

// has tells whether the request's schema has an element.
func (c *call) has(element string) bool { return c.level >= since[element] }

// since are the elements of answers that came after 2007.
var since = map[string]int{
	"IsAssociated": level2010, "StartTimeZone": level2010, "EndTimeZone": level2010, "ConversationId": level2010,
	"StartTimeZoneId": level2013, "EndTimeZoneId": level2013, "IsOrganizer": level2013, "StartWallClock": level2013, "EndWallClock": level2013,
	"EnhancedLocation": level2013, "DistinguishedFolderId": level2013, "DoNotForwardMeeting": level2016,
}

// operationsSince are the operations that 2007 lacks, with the level they need.
var operationsSince = map[string]int{"GetRoomLists": 3, "GetRooms": 3, "GetServerTimeZones": 3, "GetUserConfiguration": 3, "GetStreamingEvents": 4}

// checkOperation: an older schema than the operation's is refused by a server
// that knows it; an older server never heard of it.
func (c *call) checkOperation() *problem {
	needed := operationsSince[c.operation.name]
	switch {
	case needed > c.build.level:
		return fail("ErrorInvalidRequest")
	case needed > c.level:
		return fail("ErrorInvalidServerVersion")
	}
	return nil
}
