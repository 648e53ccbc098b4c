package ewsfake

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"kalends/sandbox"
)

// pathParts are the attributes of ExtendedFieldURI, in the order of a key.
var pathParts = []string{"DistinguishedPropertySetId", "PropertySetId", "PropertyTag", "PropertyName", "PropertyId", "PropertyType"}

// propKey is the opaque key under which the world keeps an extended property.
func propKey(n *node) string {
	parts := make([]string, len(pathParts))
	for i, name := range pathParts {
		parts[i] = n.attr(name)
		if name == "PropertySetId" || name == "PropertyTag" {
			parts[i] = strings.ToLower(parts[i])
		}
	}
	return strings.Join(parts, "|")
}

// between parts the values of an array in the world's text.
const between = "\x1e"

// propOf is a property as set, or one of those that Exchange makes of the item:
// GlobalObjectId and CleanGlobalObjectId (MS-OXOCAL 2.2.1.27), PidLidRecurring,
// PR_SUBJECT, PR_BODY, PR_INTERNET_ARTICLE_NUMBER and PR_LAST_MODIFICATION_TIME.
func propOf(item *sandbox.Item, key string) string {
	switch key {
	case "Meeting||||3|Binary", "Meeting||||35|Binary":
		return base64.StdEncoding.EncodeToString(globalObjectID(item.UID))
	case "Appointment||||33315|Boolean":
		return strconv.FormatBool(item.Rule != nil)
	case tagSubject:
		return item.Subject
	case tagBody:
		return item.Body
	case "||0xe23|||Integer":
		return strconv.Itoa(articleNumber(item))
	case "||0x3008|||SystemTime":
		return stamp(item.Modified)
	}
	return item.Props[key]
}

// articleNumber counts the items of a folder in the order of their making
// (PidTagInternetArticleNumber): those that were there from the start, then the others.
func articleNumber(item *sandbox.Item) int {
	first := 100000
	if strings.HasPrefix(item.ID, "g") {
		first = 1
	}
	n, _ := strconv.Atoi(strings.TrimLeft(item.ID, "gn"))
	return first + n
}

const globalPrefix = "040000008200E00074C5B7101A82E008"

// globalObjectID is the UID itself where Outlook made it, and wraps others.
func globalObjectID(uid string) []byte {
	if raw, err := hex.DecodeString(uid); err == nil && strings.HasPrefix(strings.ToUpper(uid), globalPrefix) {
		return raw
	}
	raw, _ := hex.DecodeString(globalPrefix)
	data := append([]byte("vCal-Uid\x01\x00\x00\x00"+uid), 0)
	raw = append(raw, make([]byte, 20)...)
	return append(binary.LittleEndian.AppendUint32(raw, uint32(len(data))), data...)
}

// PR_SUBJECT and PR_BODY are the item's own.
const (
	tagSubject = "||0x37|||String"
	tagBody    = "||0x1000|||String"
)

// ownText is the text of an item that a property is another name for, or nil.
func ownText(item *sandbox.Item, key string) *string {
	switch key {
	case tagSubject:
		return &item.Subject
	case tagBody:
		item.HTML = false
		return &item.Body
	}
	return nil
}

func setProp(item *sandbox.Item, n *node) *problem {
	path := n.child("ExtendedFieldURI")
	if p := checkPath(path); p != nil {
		return p
	}
	kind, array := strings.CutSuffix(path.attr("PropertyType"), "Array")
	texts := []string{n.child("Value").valueText()}
	if values := n.child("Values"); values != nil {
		texts = nil
		for _, kid := range values.kids {
			texts = append(texts, kid.text)
		}
	}
	if array != (n.child("Values") != nil) {
		return fail("ErrorInvalidExtendedPropertyValue")
	}
	for _, text := range texts {
		if !takesValue(kind, text) {
			return fail("ErrorInvalidExtendedPropertyValue")
		}
	}
	if text := ownText(item, propKey(path)); text != nil {
		*text = texts[0]
		return nil
	}
	if item.Props == nil {
		item.Props = map[string]string{}
	}
	item.Props[propKey(path)] = strings.Join(texts, between)
	return nil
}

func (n *node) valueText() string {
	if n == nil {
		return ""
	}
	return n.text
}

// checkPath: a property is named by a set with a name or a number, or by a tag.
func checkPath(path *node) *problem {
	sets := 0
	for _, name := range []string{"DistinguishedPropertySetId", "PropertySetId", "PropertyTag"} {
		if path.attr(name) != "" {
			sets++
		}
	}
	named := path.attr("PropertyName") != ""
	numbered := path.attr("PropertyId") != ""
	if sets != 1 || (path.attr("PropertyTag") == "") != (named != numbered) || named && numbered {
		return fail("ErrorInvalidExtendedProperty")
	}
	return nil
}

func takesValue(kind, text string) bool {
	var err error
	switch kind {
	case "Binary":
		_, err = base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	case "Integer", "Short", "Long":
		_, err = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	case "Boolean":
		_, err = strconv.ParseBool(strings.TrimSpace(text))
	case "SystemTime":
		if _, _, ok := parseTime(strings.TrimSpace(text), time.UTC); !ok {
			return false
		}
	}
	return err == nil
}

func (c *call) extended(key, value string) {
	if value == "" {
		return
	}
	c.out.WriteString("<t:ExtendedProperty><t:ExtendedFieldURI")
	for n, part := range strings.Split(key, "|") {
		if part != "" {
			c.out.WriteString(" " + pathParts[n] + `="` + escape(part) + `"`)
		}
	}
	c.out.WriteString("/>")
	if !strings.HasSuffix(key, "Array") {
		c.el("Value", value)
	} else {
		c.out.WriteString("<t:Values>")
		for part := range strings.SplitSeq(value, between) {
			c.el("Value", part)
		}
		c.out.WriteString("</t:Values>")
	}
	c.out.WriteString("</t:ExtendedProperty>")
}
