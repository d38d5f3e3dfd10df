import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startTelegram } from '../src/telegram.ts'
import { themeOf } from '../src/theme.ts'
import './stage.tsx'

const before = location.hash
beforeEach(() => sessionStorage.clear())
afterEach(() => void (location.hash = before))

const launch = (params: Record<string, string>): void => {
  location.hash = new URLSearchParams(params).toString()
}

describe('Telegram', () => {
  test('is not needed: nothing throws in a plain browser', () => {
    location.hash = ''
    const telegram = startTelegram()
    expect(telegram).toMatchObject({ inside: false, platform: 'browser', initData: undefined })
    telegram.touch('send')
    telegram.paint('#ffffff')
    telegram.onBack(() => {})()
    telegram.onTheme(() => {})()
    expect(telegram.theme()).toEqual({})
  })

  test('is read from the address alone, where no bridge answers', () => {
    const initData = 'user=%7B%22id%22%3A7%7D&auth_date=1790000000&hash=aa'
    const theme = { bg_color: '#17212b', text_color: '#f5f5f5', hint_color: '#708499' }
    launch({
      tgWebAppData: initData,
      tgWebAppThemeParams: JSON.stringify(theme),
      tgWebAppVersion: '9.6',
      tgWebAppPlatform: 'ios',
    })
    const telegram = startTelegram()
    expect(telegram).toMatchObject({ inside: true, platform: 'ios', initData })
    expect(telegram.theme()).toEqual(theme)
    expect(themeOf(telegram.theme(), false)).toMatchObject({
      dark: true,
      tokens: { ground: '#17212b', text: '#f5f5f5' },
    })
    telegram.touch('failure')
  })

  test('may send a theme that is none', () => {
    launch({ tgWebAppThemeParams: '{broken', tgWebAppVersion: '9.6' })
    expect(startTelegram().theme()).toEqual({})
  })
})
