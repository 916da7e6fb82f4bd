import { describe, expect, it } from 'vitest';
import { nameKey, toName } from '../src/names.ts';

describe('toName', () => {
  it.each([
    ['Indonesian', 'Gedung Kesenian Nusantara, Jakarta'],
    ['Japanese', '日本武道館 アリーナ'],
    ['Arabic', 'المسرح الكبير'],
    ['Persian with a zero-width non-joiner between letters', 'نمایش می\u200Cخواهم'],
    ['Sinhala with a zero-width joiner behind a vowel sign', 'ශ්\u200Dරී ලංකා'],
    ['an emoji in its coloured form', 'Love ❤\uFE0F Live'],
    ['an emoji of several people', 'Family 👨‍👩‍👧‍👦'],
    ['an emoji with a skin tone and a joiner', '👩🏽‍🚀'],
    ['a flag of two emoji', '🏳\uFE0F‍🌈 Pride'],
    ['a key', 'Row 1\uFE0F⃣'],
  ])('accepts %s', (_, name) => {
    expect(toName(name, 200)).toBe(name.normalize('NFC'));
  });

  it('refuses a megabyte of combining marks at once, which takes a minute to compose', () => {
    const startedAt = performance.now();
    expect(toName(`a${'\u0301\u0316'.repeat(200_000)}`, 200)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(100);
    // The longest text of one letter that is composed to a letter.
    expect(toName('\u03B1\u0313\u0300\u0345'.repeat(200), 200)).toBe('\u1F82'.repeat(200));
  });

  it('composes letters and their marks', () => {
    expect(toName('Cafe\u0301', 20)).toBe('Caf\u00E9');
  });

  it('counts code points, not the units of UTF-16', () => {
    expect(toName('🎭'.repeat(200), 200)).toBe('🎭'.repeat(200));
    expect(toName('🎭'.repeat(201), 200)).toBeUndefined();
    expect(toName('e\u0301'.repeat(20), 20)).toBe('é'.repeat(20));
  });

  it.each([
    ['nothing', ''],
    ['white space only', '   '],
    ['a space at the end', 'A '],
    ['a no-break space in front', '\u00A0A'],
    ['a line break', 'A\nB'],
    ['a null character', 'A\u0000'],
    ['an escape', 'A\u001B[31m'],
    ['a C1 control', 'A\u0085B'],
    ['a line separator', 'A\u2028B'],
    ['a lone surrogate', 'A\uD800'],
    ['a noncharacter', 'A\uFFFE'],
    ['a zero-width space', '\u200B'],
    ['a zero-width space between letters', 'A\u200BB'],
    ['a byte order mark', 'A\uFEFFB'],
    ['a soft hyphen', 'Ga\u00ADmelan'],
    ['a word joiner', 'A\u2060B'],
    ['a Hangul filler', '\u3164'],
    ['a Mongolian vowel separator', 'A\u180EB'],
    ['a combining grapheme joiner', 'A\u034FB'],
    ['a right-to-left override', 'A\u202EB'],
    ['a right-to-left mark', 'A\u200FB'],
    ['an isolate', '\u2066A\u2069'],
    ['an Arabic letter mark', 'A\u061CB'],
    ['a tag', 'A\u{E0041}'],
    ['a variation selector behind a letter', 'A\uFE0F'],
    ['a variation selector behind a digit that is no key', 'Row 1\uFE0F'],
    ['the text form of an emoji', '❤\uFE0E'],
    ['a joiner at the end', 'A\u200D'],
    ['a joiner in front', '\u200DA'],
    ['two joiners between letters', 'A\u200D\u200DB'],
    ['a joiner between digits', '1\u200D2'],
    ['a joiner between an emoji and a letter', '👩\u200DA'],
  ])('refuses %s', (_, name) => {
    expect(toName(name, 200)).toBeUndefined();
  });
});

describe('nameKey', () => {
  it.each([
    ['letter case', 'VIP Utara', 'vip utara'],
    ['composed and decomposed letters', 'Caf\u00E9', 'Cafe\u0301'],
    ['full-width letters', 'Ａ', 'A'],
    ['ligatures', 'ﬁrst', 'first'],
    ['joiners between letters', 'ab', 'a\u200Cb'],
    ['the colour of an emoji', '❤', '❤\uFE0F'],
    ['spaces of another width', 'A\u00A0B', 'A B'],
  ])('takes names for the same whatever %s', (_, one, other) => {
    expect(nameKey(one)).toBe(nameKey(other));
  });

  it('tells apart names that a reader tells apart', () => {
    expect(new Set(['A', 'B', 'Á', 'A1', 'A 1', '1', '🎭', '🎪'].map(nameKey)).size).toBe(8);
  });
});
