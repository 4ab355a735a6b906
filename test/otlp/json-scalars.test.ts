import { describe, expect, test } from 'vitest'
import { encodeTracesJson } from '../../collector/otlp/json.ts'
import { Decoded, firstSpan, firstValue, ids, refusalText, spanId, spanJson, traceId, valueJson } from './json-cases.ts'

describe('numbers are exact', () => {
  const cases: { name: string; value: string; want: unknown }[] = [
    { name: 'largest int64 as a number', value: '9223372036854775807', want: '9223372036854775807' },
    { name: 'largest int64 as a string', value: '"9223372036854775807"', want: '9223372036854775807' },
    { name: 'least int64 as a number', value: '-9223372036854775808', want: '-9223372036854775808' },
    { name: 'least int64 as a string', value: '"-9223372036854775808"', want: '-9223372036854775808' },
    { name: 'one past what a double can say', value: '9007199254740993', want: '9007199254740993' },
    { name: 'minus one', value: '-1', want: '-1' },
    { name: 'zero is present', value: '0', want: '0' },
    { name: 'minus zero', value: '-0', want: '0' },
    { name: 'an exponent that is whole', value: '1e3', want: '1000' },
    { name: 'a fraction that is whole', value: '"12.50e1"', want: '125' },
    { name: 'escaped digits', value: '"\\u0031\\u0032"', want: '12' },
    { name: 'low half zero', value: '-4294967296', want: '-4294967296' },
  ]
  for (const { name, value, want } of cases) {
    test(`intValue: ${name}`, () => expect(firstValue(valueJson(`{"intValue":${value}}`))).toEqual({ intValue: want }))
  }

  test('a whole double beyond int64, as JavaScript senders print it, stays that double', () => {
    expect(firstValue(valueJson('{"intValue":1e+300}'))).toEqual({ doubleValue: 1e300 })
    expect(firstValue(valueJson('{"intValue":9223372036854775808}'))).toEqual({ doubleValue: 2 ** 63 })
    expect(firstValue(valueJson('{"intValue":-100000000000000000000}'))).toEqual({ doubleValue: -1e20 })
  })

  const refused: [member: string, value: string, what: string][] = [
    ['intValue', '1.5', 'expected an integer, found 1.5'],
    ['intValue', '" 1"', 'expected an integer, found " 1"'],
    ['intValue', '"0x10"', 'expected an integer, found "0x10"'],
    ['intValue', '""', 'expected an integer, found ""'],
    ['intValue', '"9223372036854775808"', '9223372036854775808 is not a 64-bit integer'],
    ['intValue', '"1e21"', '1e21 is not a 64-bit integer'],
    ['intValue', '1e400', '1e400 is not a 64-bit integer'],
    ['intValue', 'true', 'expected a number, found "t"'],
    ['doubleValue', '1e400', '1e400 is too large for a double'],
    ['doubleValue', '"1e400"', '1e400 is too large for a double'],
    ['doubleValue', '"nan"', 'expected a number, found "nan"'],
    ['doubleValue', '" 1"', 'expected a number, found " 1"'],
    ['doubleValue', '.5', 'expected a number, found "."'],
    ['boolValue', '"true"', 'expected true or false, found """'],
    ['stringValue', '5', 'expected a string, found "5"'],
    ['bytesValue', '"A"', 'bad base64 length'],
    ['bytesValue', '"AA="', 'bad base64 length'],
    ['bytesValue', '"A*=="', 'not base64 near character 0'],
  ]
  for (const [member, value, what] of refused) {
    test(`${member} ${value} is refused with its path`, () => {
      const path = `resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value.${member}`
      expect(refusalText(valueJson(`{"${member}":${value}}`))).toContain(`${path}: ${what}`)
    })
  }

  test('nanoseconds as number and string, over the whole of uint64', () => {
    const span = firstSpan(spanJson('"startTimeUnixNano":18446744073709551615,"endTimeUnixNano":"1790000000000000001"'))
    expect(span).toMatchObject({ startTimeUnixNano: '18446744073709551615', endTimeUnixNano: '1790000000000000001' })
    expect(refusalText(spanJson('"startTimeUnixNano":18446744073709551616'))).toContain(
      'not an unsigned 64-bit integer',
    )
    expect(refusalText(spanJson('"startTimeUnixNano":"-1"'))).toContain('-1 is not an unsigned 64-bit integer')
  })

  test('32-bit counts and flags keep every bit and refuse one more', () => {
    const span = firstSpan(spanJson('"flags":4294967295,"droppedAttributesCount":"4294967295"'))
    expect(span).toMatchObject({ flags: 4294967295, droppedAttributesCount: 4294967295 })
    expect(refusalText(spanJson('"flags":4294967296'))).toContain(
      'spans[0].flags: 4294967296 is not an unsigned 32-bit',
    )
  })

  test('doubles: words, minus zero, the smallest, numbers in quotes', () => {
    const double = (value: string) =>
      (firstValue(valueJson(`{"doubleValue":${value}}`)) as { doubleValue: number }).doubleValue
    expect(double('"NaN"')).toBeNaN()
    expect(double('"-Infinity"')).toBe(Number.NEGATIVE_INFINITY)
    expect(double('"Infinity"')).toBe(Number.POSITIVE_INFINITY)
    expect(double('-0')).toBe(-0)
    expect(double('5e-324')).toBe(5e-324)
    expect(double('"1.5"')).toBe(1.5)
    expect(double('1.7976931348623157e308')).toBe(Number.MAX_VALUE)
  })
})

describe('enums', () => {
  test('integers are kept, unknown ones too', () => {
    expect(firstSpan(spanJson('"kind":99,"status":{"code":-1}'))).toMatchObject({ kind: 99, status: { code: -1 } })
  })

  test('names are refused with their path', () => {
    const path = 'resourceSpans[0].scopeSpans[0].spans[0]'
    expect(refusalText(spanJson('"kind":"SPAN_KIND_SERVER"'))).toBe(
      `${path}.kind: expected an integer, found "SPAN_KIND_SERVER"; enum names are not OTLP/JSON`,
    )
    expect(refusalText(spanJson('"status":{"code":"2"}'))).toContain(`${path}.status.code: expected an integer`)
    expect(refusalText(spanJson('"kind":3000000000'))).toContain('3000000000 is not a 32-bit integer')
  })
})

describe('ids', () => {
  const decoder = new Decoded()
  const withIds = (trace: string, span: string) =>
    decoder.names(
      encodeTracesJson(
        Buffer.from(
          `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${trace}","spanId":"${span}"},{${ids},"name":"good"}]}]}]}`,
        ),
      ),
    )

  test('hex of either case', () => {
    withIds(traceId.toUpperCase(), '00F067aa0ba902B7')
    const { batch } = decoder
    expect([decoder.hex(batch.tracePos[0]!, 16), decoder.hex(batch.spanPos[0]!, 8), batch.rejected]).toEqual([
      traceId,
      spanId,
      0,
    ])
  })

  const bad: [name: string, trace: string, span: string][] = [
    ['base64', 'CvdlGRbNQ92ESOshHIAxnA==', 'APBnqgupArc='],
    ['odd length', traceId.slice(1), spanId],
    ['a letter too far', `${traceId.slice(1)}g`, spanId],
    ['sixteen letters that are not hex', 'sixteen letters!', spanId],
    ['eight letters that are not hex', traceId, 'no hexes'],
    ['too short', traceId.slice(2), spanId],
    ['too long', `${traceId}00`, spanId],
    ['all zero', '0'.repeat(32), spanId],
    ['empty', '', ''],
  ]
  for (const [name, trace, span] of bad) {
    test(`${name}: that span is rejected, the others stay`, () => {
      const names = withIds(trace, span)
      expect(decoder.batch.rejected).toBe(1)
      expect(names).toEqual(['good'])
    })
  }

  test('a bad parent is dropped, its span stays', () => {
    expect(decoder.names(encodeTracesJson(Buffer.from(spanJson('"parentSpanId":"APBnqgupArc="'))))).toHaveLength(1)
    expect(decoder.hex(decoder.batch.parentPos[0]!, 8)).toBe('')
  })
})
