package ewsfake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"kalends/sandbox"
)

// folderKind is what a folder is called, and of what kind it is.
type folderKind struct{ name, class, element string }

// madeFolder is a folder that a client created. Its calendar items can be read
// by their ids, and go with it; nothing else is known of them.
type madeFolder struct {
	folderKind
	key, box, parent string
	items            map[string]*sandbox.Item
}

// shelf keeps the folders that clients created, until the server ends.
type shelf struct {
	mu      sync.Mutex
	folders map[string]*madeFolder
	last    int
}

func (s *shelf) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.folders = nil
}

// add makes a folder, unless its parent has one of that name.
func (s *shelf) add(box, parent string, kind folderKind) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.folders {
		if f.box == box && f.parent == parent && strings.EqualFold(f.name, kind.name) {
			return "", false
		}
	}
	if s.folders == nil {
		s.folders = map[string]*madeFolder{}
	}
	s.last++
	key := fmt.Sprintf("made%d", s.last)
	s.folders[key] = &madeFolder{folderKind: kind, key: key, box: box, parent: parent, items: map[string]*sandbox.Item{}}
	return key, true
}

// get gives a folder's kind and parent.
func (s *shelf) get(box, key string) (kind folderKind, parent string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.folders[key]
	if f == nil || f.box != box {
		return folderKind{}, "", false
	}
	return f.folderKind, f.parent, true
}

// below are the folders of a parent, in the order of their making.
func (s *shelf) below(box, parent string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, key := range slices.Sorted(maps.Keys(s.folders)) {
		if f := s.folders[key]; f.box == box && f.parent == parent {
			found = append(found, key)
		}
	}
	return found
}

// remove takes a folder away, with all that is in it.
func (s *shelf) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.folders, key)
	for other, f := range s.folders {
		if f.parent == key {
			delete(s.folders, other)
		}
	}
}

// put lays an item into a folder.
func (s *shelf) put(key string, item *sandbox.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.folders[key]
	if f == nil {
		return
	}
	item.ID, item.Version = fmt.Sprintf("%s-%d", key, len(f.items)+1), 1
	f.items[item.ID] = item
}

// item finds what lies in a made folder.
func (s *shelf) item(box, id string) *sandbox.Item {
	key, _, _ := strings.Cut(id, "-")
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.folders[key]; f != nil && f.box == box {
		return f.items[id]
	}
	return nil
}

// elements are the kinds of folders by the start of their class.
var elements = map[string]string{"IPF.Appointment": "CalendarFolder", "IPF.Contact": "ContactsFolder", "IPF.Task": "TasksFolder"}

func (c *call) createFolder() *problem {
	parent, p := c.folder(firstKid(c.operation.child("ParentFolderId")))
	return c.each("CreateFolder", c.operation.child("Folders"), "<m:Folders/>", func(n *node) *problem {
		if p != nil {
			return p
		}
		key, p := c.makeFolder(parent, n)
		if p != nil {
			return p
		}
		c.success("CreateFolder")
		c.out.WriteString("<m:Folders>")
		c.writeFolder(key, false)
		c.out.WriteString("</m:Folders></m:CreateFolderResponseMessage>")
		return nil
	})
}

func (c *call) makeFolder(parent string, n *node) (string, *problem) {
	kind := folderKind{name: n.value("DisplayName"), class: n.value("FolderClass"), element: n.name}
	if kind.name == "" {
		return "", fail("ErrorFolderSaveFailed")
	}
	if n.name == "Folder" {
		kind.element = either(elements[kind.class], n.name)
	}
	for class, element := range elements {
		if element == n.name && kind.class == "" {
			kind.class = class
		}
	}
	kind.class = either(kind.class, "IPF.Note")
	for _, name := range foldersBelow(parent, false) {
		if strings.EqualFold(folders[name].name, kind.name) {
			return "", fail("ErrorFolderExists")
		}
	}
	key, made := c.shelf.add(boxOf(c.acting), parent, kind)
	if !made {
		return "", fail("ErrorFolderExists")
	}
	return key, nil
}

func (c *call) deleteFolder() *problem {
	return c.each("DeleteFolder", c.operation.child("FolderIds"), "", func(n *node) *problem {
		key, p := c.folder(n)
		if p != nil {
			return p
		}
		if _, distinguished := folders[key]; distinguished {
			return fail("ErrorDeleteDistinguishedFolder")
		}
		c.shelf.remove(key)
		c.success("DeleteFolder")
		c.out.WriteString("</m:DeleteFolderResponseMessage>")
		return nil
	})
}

// userConfiguration gives the one configuration that each mailbox has: what its
// owner chose in Outlook on the web.
func (c *call) userConfiguration() *problem {
	return c.each("GetUserConfiguration", &node{kids: []*node{c.operation.child("UserConfigurationName")}}, "", func(n *node) *problem {
		folder, p := c.folder(firstKid(n))
		switch {
		case p != nil:
			return p
		case folder != "root" || n.attr("Name") != "OWA.UserOptions":
			return fail("ErrorItemNotFound")
		}
		c.success("GetUserConfiguration")
		c.out.WriteString(`<m:UserConfiguration><t:UserConfigurationName Name="OWA.UserOptions">`)
		c.folderID("FolderId", folder)
		c.out.WriteString("</t:UserConfigurationName>")
		if asked := c.operation.value("UserConfigurationProperties"); strings.Contains(asked, "Dictionary") || strings.Contains(asked, "All") {
			c.out.WriteString("<t:Dictionary>")
			c.dictionaryEntry("timezone", windowsName(c.world.Zone()))
			c.out.WriteString("</t:Dictionary>")
		}
		c.out.WriteString("</m:UserConfiguration></m:GetUserConfigurationResponseMessage>")
		return nil
	})
}

func (c *call) dictionaryEntry(key, value string) {
	c.out.WriteString("<t:DictionaryEntry>")
	for _, part := range [][2]string{{"DictionaryKey", key}, {"DictionaryValue", value}} {
		c.out.WriteString("<t:" + part[0] + ">")
		c.el("Type", "String")
		c.el("Value", part[1])
		c.out.WriteString("</t:" + part[0] + ">")
	}
	c.out.WriteString("</t:DictionaryEntry>")
}
