package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"kalends/secret"
)

func newBox(t testing.TB) (*secret.Box, string) {
	t.Helper()
	text, err := secret.Generate()
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.Open(text)
	if err != nil {
		t.Fatal(err)
	}
	return box, text
}

func TestSealedOpensAtItsPlaceOnly(t *testing.T) {
	t.Parallel()
	box, _ := newBox(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		place, other := rapid.String().Draw(t, "place"), rapid.String().Draw(t, "other")
		sealed, err := box.Seal(plain, place)
		if err != nil {
			t.Fatal(err)
		}
		back, err := box.Open(sealed, place)
		if err != nil || string(back) != string(plain) {
			t.Fatalf("opened %q, %v; want %q", back, err, plain)
		}
		if _, err := box.Open(sealed, other); (err == nil) != (place == other) {
			t.Fatalf("sealed at %q, opening at %q: %v", place, other, err)
		}
	})
}

func TestErrChangedBytesDoNotOpen(t *testing.T) {
	t.Parallel()
	box, _ := newBox(t)
	sealed, err := box.Seal([]byte("password"), "connections/con_1/credentials")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, "password") {
		t.Fatal("not sealed")
	}
	other, _ := newBox(t)
	for _, text := range []string{"", "!", sealed[:len(sealed)-2], "Q" + sealed[1:], sealed[:20] + "AAAA" + sealed[24:]} {
		if _, err := box.Open(text, "connections/con_1/credentials"); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("Open(%q) = %v, want ErrSealed", text, err)
		}
	}
	if _, err := other.Open(sealed, "connections/con_1/credentials"); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("another keyset: %v, want ErrSealed", err)
	}
}

func TestRotatedKeysetOpensOldAndSealsAnew(t *testing.T) {
	t.Parallel()
	box, text := newBox(t)
	sealed, err := box.Seal([]byte("x"), "p")
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := secret.Rotate(text)
	if err != nil {
		t.Fatal(err)
	}
	next, err := secret.Open(rotated)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := next.Open(sealed, "p"); err != nil || string(plain) != "x" {
		t.Errorf("old value: %q, %v", plain, err)
	}
	fresh, err := next.Seal([]byte("y"), "p")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := box.Open(fresh, "p"); err == nil {
		t.Error("the old keyset opens what the new key sealed: nothing was rotated")
	}
	if box.Hash("c", "v") != next.Hash("c", "v") {
		t.Error("hashes changed: identities would be lost")
	}
}

func TestHashesOfDifferentPurposesDiffer(t *testing.T) {
	t.Parallel()
	box, _ := newBox(t)
	other, _ := newBox(t)
	if box.Hash("a", "b") == box.Hash("ab", "") || box.Hash("a", "b") == box.Hash("b", "a") {
		t.Error("hashes of different purposes are the same")
	}
	if box.Hash("a", "b") == other.Hash("a", "b") {
		t.Error("the hash does not depend on the keyset")
	}
}

func TestOpenFileMakesOneKeyset(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyset.json")
	var group sync.WaitGroup
	hashes := make([]string, 8)
	for i := range hashes {
		group.Go(func() {
			box, err := secret.OpenFile(path)
			if err != nil {
				t.Error(err)
				return
			}
			hashes[i] = box.Hash("a", "b")
		})
	}
	group.Wait()
	for _, hash := range hashes {
		if hash != hashes[0] {
			t.Fatal("two programs that start at once have different keysets")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestErrKeysetShowsNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"seal":{"hush":1},"hash":"aHVzaA=="}`, `{"hush`, `{}`, "/nowhere/at/all"} {
		if _, err := secret.Open(text); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("Open(%q) = %v", text, err)
		}
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	hash, err := secret.Passwords{}.Hash("Grüße an alle")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("hash %q, %v", hash, err)
	}
	again, err := secret.Passwords{}.Hash("Grüße an alle")
	if err != nil || again == hash {
		t.Fatal("two hashes of one password are the same: no salt")
	}
	for _, c := range []struct {
		hash, password string
		want           bool
	}{
		{hash, "Grüße an alle", true},
		{hash, "grüße an alle", false},
		{hash, "", false},
		{"", "", false},
		{"", "Grüße an alle", false},
	} {
		got, err := secret.Passwords{}.Verify(c.hash, c.password)
		if err != nil || got != c.want {
			t.Errorf("Verify(%.12q, %q) = %v, %v; want %v", c.hash, c.password, got, err, c.want)
		}
	}
}

// What a hash cost is in the hash: a cheap one is verified where hashes are dear.
func TestCheapPasswords(t *testing.T) {
	t.Parallel()
	hash, err := secret.Passwords{Memory: 8, Passes: 1}.Hash("Grüße an alle")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=8,t=1,p=1$") {
		t.Fatalf("hash %q, %v", hash, err)
	}
	if ok, err := (secret.Passwords{}).Verify(hash, "Grüße an alle"); !ok || err != nil {
		t.Errorf("Verify = %v, %v", ok, err)
	}
	if ok, err := (secret.Passwords{}).Verify(hash, "grüße an alle"); ok || err != nil {
		t.Errorf("Verify = %v, %v of another password", ok, err)
	}
}

func FuzzVerifyPassword(f *testing.F) {
	for _, seed := range []string{"x", "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "$argon2id$v=19$m=4294967295,t=2,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=1,t=99,p=0$$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.Count(hash, "$") == 5 && len(hash) > 60 {
			t.Skip("would compute")
		}
		if ok, err := (secret.Passwords{}).Verify(hash, "password"); ok || hash != "" && err == nil {
			t.Errorf("Verify(%q) = %v, %v", hash, ok, err)
		}
	})
}

func TestEqual(t *testing.T) {
	t.Parallel()
	if !secret.Equal("a", "a") || secret.Equal("a", "b") || secret.Equal("a", "") {
		t.Error("Equal is wrong")
	}
	if secret.SHA256("abc") != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error("SHA256 is not that of FIPS 180-4's example")
	}
}
