/*
 * List one of ISO 4217 as published on 1 January 2026 by its maintenance agency, SIX (six-group.com, "Currency codes").
 * Left out are the codes with which nothing can be bought: funds and indexed units (BOV, CHE, CHW, CLF, COU, MXV, USN,
 * UYI, UYW), units of account (XAD, XBA to XBD, XDR, XSU, XUA), metals (XAG, XAU, XPD, XPT), XTS for tests, and XXX for no
 * currency. Intl.supportedValuesOf('currency') is no such list: it has historic codes and changes with Node.
 */
const codesByDigits: readonly (readonly [digits: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'],
  [
    2,
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY ' +
      'COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF ' +
      'IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR ' +
      'MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG ' +
      'SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES ' +
      'WST XCD XCG YER ZAR ZMW ZWG',
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
];

/**
 * Digits of the minor unit of each currency that a price may have: an amount of 15000000 is Rp 150,000 with 2 digits (IDR),
 * ¥15,000,000 with none (JPY), 15,000 dinars with 3 (KWD).
 */
export const currencyDigits: ReadonlyMap<string, number> = new Map(
  codesByDigits.flatMap(([digits, codes]) => codes.split(' ').map((code) => [code, digits] as const)),
);
