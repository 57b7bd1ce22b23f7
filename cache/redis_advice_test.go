package cache

import (
	"slices"
	"strings"
	"testing"
)

// setACL makes the user of an ACL line, with the password pw, but for the rights in
// without, and returns its name.
func (s *server) setACL(t *testing.T, acl string, without ...string) string {
	t.Helper()
	var args []any
	for _, word := range strings.Fields(strings.ReplaceAll(acl, "PASSWORD", "pw")) {
		if !slices.Contains(without, word) {
			args = append(args, word)
		}
	}
	s.do(t, args...)
	return args[2].(string)
}

// commandsOf returns what an ACL line allows.
func commandsOf(acl string) []string {
	return slices.DeleteFunc(strings.Fields(acl), func(word string) bool { return !strings.HasPrefix(word, "+") })
}

// advised asks for advice, which is to mention each of want and nothing else.
func advised(t *testing.T, r *Redis, publisher bool, want ...string) []Advice {
	t.Helper()
	all, err := r.Advise(t.Context(), publisher)
	if err != nil {
		t.Fatal(err)
	}
	ok := len(all) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.Contains(all[i].Text.EN, want[i]) && all[i].Text.ZH != ""
	}
	if !ok {
		t.Errorf("advice %+v, want %q", all, want)
	}
	return all
}

// TestRedisAdvice: what is amiss with a server is told with the line that mends it, and
// the line does.
func TestRedisAdvice(t *testing.T) {
	s := startRedis(t)
	anybody := openRedis(t, "redis://"+s.addr)
	reader := openRedis(t, "redis://"+s.setACL(t, ReaderACL)+":pw@"+s.addr)
	publisher := openRedis(t, "redis://"+s.setACL(t, PublisherACL)+":pw@"+s.addr)
	mend := func(all []Advice) {
		t.Helper()
		for _, a := range all {
			if strings.HasPrefix(a.Set, "CONFIG SET ") {
				var args []any
				for _, word := range strings.Fields(a.Set) {
					args = append(args, word)
				}
				s.do(t, args...)
			}
		}
	}
	// A server as it must not be, to one who may look at everything, and to one who may not.
	s.do(t, "config", "set", "maxmemory-policy", "allkeys-lru")
	advised(t, reader, false, "allkeys-lru", "appendonly is no")
	all := advised(t, anybody, false, "allkeys-lru", "nothing is written", "user default may do anything")
	if !all[0].Grave || all[1].Grave {
		t.Errorf("what is grave: %+v", all)
	}
	mend(all[:1])
	advised(t, publisher, true, "appendonly is no")
	s.do(t, "config", "set", "save", "3600 1")
	all = advised(t, anybody, true, "after the last dump", "user default may do anything")
	mend(all)
	advised(t, reader, false)
	advised(t, publisher, true)
	s.do(t, "config", "set", "appendfsync", "no")
	mend(advised(t, anybody, true, "power cut", "anything"))
	advised(t, anybody, true, "anything")
	if n := s.do(t, "dbsize"); n != int64(0) {
		t.Errorf("looking left %v keys behind", n)
	}

	// Every right that is wanting is named, before it is wanted.
	for acl, r := range map[string]*Redis{ReaderACL: reader, PublisherACL: publisher} {
		for _, right := range append(commandsOf(acl), "~luoshu:*", "&luoshu:*") {
			switch right {
			case "+hello", "+select", "+cluster|slots": // of other kinds of servers and addresses
			case "+info":
				s.setACL(t, acl, right)
				advised(t, r, r == publisher, "+info")
			default:
				s.setACL(t, acl, right)
				advised(t, r, r == publisher, "lacks the permissions "+right)
			}
		}
		s.setACL(t, acl)
		advised(t, r, r == publisher)
	}
}
