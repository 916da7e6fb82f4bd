/*
 * The rules for texts that people read: names of events, venues, sections and rows. Two names that look the same are the
 * same, and no character of a name is invisible (Unicode Standard Annex 31 and Technical Standard 39 give the reasons).
 */

/** Controls, line and paragraph separators, lone surrogates, code points that are no characters. */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/u;
/** Code points that show nothing, and those that turn the direction of the text around them. */
const invisible = /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}]/u;

/** The joiners of Persian, Hindi and others, between two letters with their marks. */
const joinerBetweenLetters = /(?<=[\p{L}\p{M}])[\u{200C}\u{200D}](?=\p{L})/gu;
/** `❤️`, `1️⃣`: U+FE0F asks for the coloured form of the character before it; a digit has one only on a key. */
const emojiPresentation = /(?<=(?![#*0-9])\p{Emoji})\u{FE0F}|(?<=[#*0-9])\u{FE0F}(?=\u{20E3})/gu;
/** `👩‍🚀`: U+200D makes one picture of two. */
const emojiJoiner =
  /(?<=\p{Extended_Pictographic}\p{Emoji_Modifier}?)\u{200D}(?=\p{Extended_Pictographic})/gu;

/**
 * Reads a name as it is stored: in the composed form (NFC).
 *
 * @param maxLength in code points
 * @returns undefined for a name that is empty, too long, framed by white space, or not wholly visible
 */
export function toName(text: string, maxLength: number): string | undefined {
  // Composing shortens a text to a fourth at most, and a code point has two units at most; of a megabyte it takes long.
  if (text.length > 8 * maxLength) return undefined;
  const name = text.normalize('NFC');
  const length = Array.from(name).length;
  if (length < 1 || length > maxLength || name.trim() !== name || unprintable.test(name)) return undefined;
  const visible = name
    .replace(joinerBetweenLetters, '')
    // First, as it may stand in front of a joiner.
    .replace(emojiPresentation, '')
    .replace(emojiJoiner, '');
  return invisible.test(visible) ? undefined : name;
}

/** The same text for names that a reader takes for the same: `Café` composed or not, `ROW A`, `row Ａ`. */
export function nameKey(name: string): string {
  const withoutJoiners = name.replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return withoutJoiners.normalize('NFKC').toLowerCase().normalize('NFKC');
}
