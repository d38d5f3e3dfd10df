type Forms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }>

export interface Speech {
  readonly locale: string
  readonly integer: (value: number) => string
  /** A number and the word that goes with it. */
  readonly counted: (count: number, forms: Forms) => string
  /** The word alone. */
  readonly form: (count: number, forms: Forms) => string
  /** Of Unix milliseconds. */
  readonly clock: (at: number) => string
  readonly weekday: (at: number) => string
  readonly weekdayAndClock: (at: number) => string
  readonly date: (at: number) => string
  /** Of Unix seconds: a date and a time. */
  readonly moment: (seconds: number) => string
}

/** How a language counts and tells the time. */
export function speechOf(locale: string): Speech {
  const integers = new Intl.NumberFormat(locale)
  const plural = new Intl.PluralRules(locale)
  const dated = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale, options)
    return (at: number) => format.format(new Date(at))
  }
  const moment = dated({ dateStyle: 'medium', timeStyle: 'short' })
  const form = (count: number, forms: Forms) => forms[plural.select(count)] ?? forms.other
  return {
    locale,
    integer: (value) => integers.format(value),
    form,
    counted: (count, forms) => `${integers.format(count)} ${form(count, forms)}`,
    clock: dated({ hour: 'numeric', minute: '2-digit' }),
    weekday: dated({ weekday: 'short' }),
    weekdayAndClock: dated({ weekday: 'long', hour: 'numeric', minute: '2-digit' }),
    moment: (seconds) => moment(seconds * 1000),
    date: dated({ day: 'numeric', month: 'short', year: 'numeric' }),
  }
}
