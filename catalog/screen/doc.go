// Package screen finds what must not be published: marks of secrecy (rules M1
// to M8) and data of persons (rules P1 to P7).
//
// Every text is folded first (NFKC, hidden characters and the spaces between Han
// characters dropped, traditional forms of the words looked for made simplified,
// letters lower case) and every place in the folded text keeps its place in the
// original, so that a redaction replaces what was found and leaves every other
// byte alone. The words are data (words.csv), with the harmless phrases around
// them beside them and the reason why they are harmless; numbers are found by
// form, boundary and check digit. A mark (M1) is found whatever signs stand between
// its characters.
//
// A pass never proves the absence of secrets. The rules catch slips: a mark left
// in a cell, a column pasted into the wrong place, a telephone number at the end
// of an abstract. They do not understand what they read, they do not see
// pictures, of the values that are numbers in the record they look at amounts of money
// alone (for one that has the form of a mobile number), and whoever means to evade
// them will. What makes a publication lawful
// is the signed review of the unit that submits it (M7).
//
// The harmless phrases were chosen on real texts: of 403 titles of achievements,
// 309 names of completing units and 1,393 patents, all public, none is refused,
// redacted or held. The words that no reader minds in one trade are those of
// another's secrets, so some harmless texts will be held; a person lets them pass
// once, and the approval is remembered until the text changes.
//
// Nothing here returns or logs the text that was found.
package screen
