import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { blocksOf, mended } from '../src/markdown.ts'

/** As the page gets it: markup parsed into elements that are in no document. */
function drawn(source: string, streaming = false): HTMLElement {
  const page = document.createElement('div')
  const inert = document.implementation.createHTMLDocument()
  for (const block of blocksOf(source, streaming)) {
    const element = inert.createElement('section')
    if (block.kind === 'html') element.innerHTML = block.html
    else element.textContent = block.code
    page.append(element)
  }
  return page
}

const dangerous = [
  '<img src=x onerror=a()>',
  '<a href=javascript:a()>',
  '![](https://t.example)',
  '[x](javascript:a())',
  '<svg/onload=a()>',
  '```',
  '`',
  '**',
  '|',
  '\n',
  '\n\n',
  '- ',
  '> ',
  '<br>',
  '<u>',
  '</u>',
  '<!--',
  '-->',
  'text ',
  '&lt;script>',
  ']]>',
  '"',
  "'",
] as const

describe('what a model writes cannot act', () => {
  test.each([
    ['a script', 'Hi <script>alert(1)</script> there'],
    ['a script block', '<script>\nalert(1)\n</script>'],
    ['a handler', '<b onclick="alert(1)" onerror=alert(1)>bold</b>'],
    ['an image with a handler', '<img src=x onerror=alert(1)>'],
    ['a remote image', 'See ![a cat](https://tracker.example/cat.png?who=me)'],
    ['an image by reference', '![a cat][1]\n\n[1]: https://tracker.example/cat.png'],
    ['a script link', '[press](javascript:alert(1)) [and](JaVaScRiPt:alert(1)) [too](data:text/html,x)'],
    ['a frame', '<iframe src="https://evil.example"></iframe><object data=x></object>'],
    ['a form', '<form action="https://evil.example"><input name=a></form>'],
    ['a style', '<p style="background:url(https://evil.example/x)">x</p><style>@import "https://e.example"</style>'],
    ['a drawing', '<svg><use href="https://evil.example/#x"/></svg><math><mtext></mtext></math>'],
    ['a link in a table', '| a |\n|--|\n| <a href="javascript:alert(1)">x</a> |'],
    ['a break with a handler', '<br onload=alert(1)>'],
  ])('%s', (_, source) => {
    const page = drawn(source)
    expect(
      page.querySelector('script, img, iframe, object, form, input, style, svg, math, link, video, audio'),
    ).toBeNull()
    for (const element of page.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on|^style$|^src|^srcset$/)
        if (name === 'href') expect(value).toMatch(/^(?:https?:|mailto:|tel:|tg:|ton:)/)
      }
    }
  })

  test('whatever it writes', () => {
    const bits = fc.constantFrom(...dangerous)
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 14 }), fc.boolean(), (parts, streaming) => {
        const page = drawn(parts.join(''), streaming)
        expect(page.querySelector('script, img, svg, iframe')).toBeNull()
        expect(page.innerHTML).not.toMatch(/<[^>]*\s(?:on\w+|style|src)=/i)
        expect(
          [...page.querySelectorAll('[href]')].filter((a) => /^javascript:/i.test(a.getAttribute('href') ?? '')),
        ).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  test('links open outside and take nothing with them', () => {
    const link = drawn('[the spec](https://cocoon.example/spec "Spec")').querySelector('a')
    expect(link?.rel).toBe('noopener noreferrer nofollow')
    expect(link?.target).toBe('_blank')
    expect(link?.textContent).toBe('the spec')
  })

  test('a tag in an answer is text to see, except those that only shape words', () => {
    const page = drawn('Use the <div> tag.<br>H<sub>2</sub>O, press <kbd>Enter</kbd>')
    expect(page.textContent).toContain('Use the <div> tag.')
    expect(page.querySelectorAll('br, sub, kbd')).toHaveLength(3)
  })
})

describe('markdown', () => {
  test('tables keep their alignment, lists their start, tasks their state', () => {
    const page = drawn('| a | b |\n|--|--:|\n| 1 | 2 |\n\n3. three\n\n- [x] done\n- [ ] open')
    expect(page.querySelectorAll('td')[1]?.getAttribute('align')).toBe('right')
    expect(page.querySelector('ol')?.getAttribute('start')).toBe('3')
    expect(page.textContent).toContain('☑ done')
    expect(page.textContent).toContain('☐ open')
  })

  test('a fence that is still open is code already, with its language', () => {
    expect(blocksOf('Look:\n\n```python\nprint("<b>")', true)).toMatchObject([
      { kind: 'html' },
      { kind: 'code', language: 'python', code: 'print("<b>")' },
    ])
  })

  test('blocks that are complete keep their source while the last one grows', () => {
    const whole = '# Title\n\nFirst **bold**.\n\n```js\nlet a = 1\n```\n\n- one\n- two\n\nEnd.'
    for (let length = 1; length < whole.length; length++) {
      const before = blocksOf(whole.slice(0, length), true).slice(0, -2)
      const after = blocksOf(whole, false)
      before.forEach((block, index) => expect(after[index]?.raw.trim()).toBe(block.raw.trim()))
    }
  })

  test.each([
    ['An **open bold', 'An **open bold**'],
    ['An **', 'An '],
    ['Some `code', 'Some `code`'],
    ['See [the sp', 'See the sp'],
    ['See [the spec](https://co', 'See the spec'],
    ['A line\n-', 'A line'],
    ['A line\n1.', 'A line'],
    ['Done **bold** and `code`.', 'Done **bold** and `code`.'],
    ['```js\nlet a = `x', '```js\nlet a = `x'],
  ])('mends %j while it arrives', (source, expected) => {
    expect(mended(source)).toBe(expected)
  })
})
