package secret

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// keys is a keyset as it is kept: the keys for sealing, of which the primary
// one seals and all open, and the one key for hashes, which never changes.
type keys struct {
	Seal    json.RawMessage `json:"seal"` // Tink's JSON of AES-256-GCM keys
	HashKey []byte          `json:"hash"`
}

// Generate makes a new keyset as JSON text.
func Generate() (string, error) {
	manager := keyset.NewManager()
	if err := addKey(manager); err != nil {
		return "", err
	}
	hashKey := make([]byte, 32)
	_, _ = rand.Read(hashKey) // never fails: it ends the program instead
	return pack(manager, hashKey)
}

// Rotate adds a key to a keyset and makes it the one that seals. What was
// sealed before still opens.
func Rotate(text string) (string, error) {
	set, err := parseKeyset(text)
	if err != nil {
		return "", err
	}
	handle, err := set.handle()
	if err != nil {
		return "", err
	}
	manager := keyset.NewManagerFromHandle(handle)
	if err := addKey(manager); err != nil {
		return "", err
	}
	return pack(manager, set.HashKey)
}

// OpenFile opens the keyset in a file, and makes one there, readable by its
// owner only, if there is none.
func OpenFile(path string) (*Box, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, err
		}
	}
	return Open(path)
}

// create writes a new keyset so that two programs starting at once end with
// one and the same: the file is linked into place complete, or not at all.
func create(path string) error {
	text, err := Generate()
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".keyset-*") // mode 0600
	if err != nil {
		return fmt.Errorf("secret: create keyset: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(text + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("secret: create keyset: %w", err)
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("secret: create keyset: %w", err)
	}
	return nil
}

func keysetText(keysetOrPath string) (string, error) {
	if strings.HasPrefix(strings.TrimSpace(keysetOrPath), "{") {
		return keysetOrPath, nil
	}
	text, err := os.ReadFile(keysetOrPath) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("secret: read keyset: %w", err)
	}
	return string(text), nil
}

func parseKeyset(text string) (keys, error) {
	var set keys
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return keys{}, errors.New("secret: the keyset is no JSON of ours")
	}
	if len(set.HashKey) < 32 || len(set.Seal) == 0 {
		return keys{}, errors.New("secret: the keyset lacks a key")
	}
	return set, nil
}

func (k keys) handle() (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(k.Seal)))
	if err != nil {
		return nil, errors.New("secret: the keyset can not be read")
	}
	return handle, nil
}

func addKey(manager *keyset.Manager) error {
	id, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("secret: add key: %w", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return fmt.Errorf("secret: add key: %w", err)
	}
	return nil
}

func pack(manager *keyset.Manager, hashKey []byte) (string, error) {
	handle, err := manager.Handle()
	if err != nil {
		return "", fmt.Errorf("secret: keyset: %w", err)
	}
	var seal bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&seal)); err != nil {
		return "", fmt.Errorf("secret: keyset: %w", err)
	}
	text, err := json.Marshal(keys{Seal: seal.Bytes(), HashKey: hashKey})
	if err != nil {
		return "", fmt.Errorf("secret: keyset: %w", err)
	}
	return string(text), nil
}
