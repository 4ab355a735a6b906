// What a score configuration may say, what it makes of a score, and how each mistake is named.

import { describe, expect, test } from 'vitest'
import { configFromLangfuse, langfuseConfig } from '../../processors/langfuse-score-configs.ts'
import { type ConfigInForce, configsOf, idOf, versionOf } from '../../processors/score-configs/config.ts'
import { judgedScore } from '../../processors/score-configs/judge.ts'
import { configFindingText, readScoreConfig, readScoreConfigs } from '../../processors/score-configs/read.ts'
import { blankScore, type ScoreRow } from '../../processors/scores.ts'

function inForce(name: string, tree: object): ConfigInForce {
  const { config, findings } = readScoreConfig(tree, name)
  expect(findings).toEqual([])
  return { config: config!, version: versionOf(config!), id: idOf('default', name), source: 'api', sinceMs: 0 }
}

const score = (name: string, cells: Partial<ScoreRow>): ScoreRow => ({
  ...blankScore,
  name,
  data_type: 'numeric',
  ...cells,
})

describe('a file', () => {
  const findingsOf = (tree: unknown) => readScoreConfigs(tree).findings.map(configFindingText)

  test('declares one configuration a name and project', () => {
    const { configs, findings } = readScoreConfigs({
      score_configs: [
        { name: 'automated-relevancy', type: 'numeric', range: { min: 0, max: 1 }, threshold: 0.7 },
        {
          name: 'tone',
          project: ['a', 'b'],
          type: 'categorical',
          categories: ['formal', { label: 'rude', value: 0, verdict: 'bad' }],
        },
        {
          name: 'tone',
          type: 'boolean',
          direction: 'low',
          on_violation: 'refuse',
          one_vote: 'none',
          description: 'Rude?',
        },
      ],
    })
    expect(findings).toEqual([])
    expect(configs).toEqual([
      {
        projects: [],
        config: {
          name: 'automated-relevancy',
          type: 'numeric',
          range: { min: 0, max: 1 },
          direction: 'high',
          threshold: 0.7,
          on_violation: 'flag',
          one_vote: 'author',
        },
      },
      {
        projects: ['a', 'b'],
        config: {
          name: 'tone',
          type: 'categorical',
          categories: [{ label: 'formal' }, { label: 'rude', value: 0, verdict: 'bad' }],
          on_violation: 'flag',
          one_vote: 'author',
        },
      },
      {
        projects: [],
        config: {
          name: 'tone',
          type: 'boolean',
          direction: 'low',
          on_violation: 'refuse',
          one_vote: 'none',
          description: 'Rude?',
        },
      },
    ])
    // A project's own goes before everybody's, and what the API has set stands between them.
    const declared = configs.map((each) => ({ ...each, sinceMs: 1 }))
    const set = ['a', 'c'].map((project) => ({
      project,
      config: { ...configs[2]!.config, type: 'text' as const },
      sinceMs: 2,
    }))
    const typeIn = (project: string) => configsOf(project, declared, set).get('tone')?.config.type
    expect([typeIn('a'), typeIn('c'), typeIn('d')]).toEqual(['categorical', 'text', 'boolean'])
    expect(configsOf('a', declared, set).get('__proto__')).toBeUndefined()
  })

  test.each<[string, unknown, string]>([
    ['nothing', null, 'must be an object with score_configs'],
    ['no list', { score_configs: { name: 'x' } }, 'score_configs: must be a list of score configurations'],
    [
      'an unknown key',
      { score_configs: [{ name: 'x', type: 'text', min: 0 }] },
      'score_configs[0].min: is not known; known are',
    ],
    [
      'no name',
      { score_configs: [{ type: 'text' }] },
      'score_configs[0].name: must be a text of 1 to 128 characters in one line',
    ],
    ['a name over lines', { score_configs: [{ name: 'a\nb', type: 'text' }] }, 'score_configs[0].name: must be a text'],
    [
      'a long name',
      { score_configs: [{ name: 'x'.repeat(129), type: 'text' }] },
      'score_configs[0].name: must be a text',
    ],
    [
      'an unknown type',
      { score_configs: [{ name: 'x', type: 'float' }] },
      'score_configs[0].type: must be one of numeric, boolean',
    ],
    [
      'a range of text',
      { score_configs: [{ name: 'x', type: 'numeric', range: { min: '0' } }] },
      'range.min: must be a number',
    ],
    [
      'an empty range',
      { score_configs: [{ name: 'x', type: 'numeric', range: { min: 1, max: 1 } }] },
      'min 1 is not below max 1',
    ],
    ['a range of nothing', { score_configs: [{ name: 'x', type: 'numeric', range: {} }] }, 'has neither min nor max'],
    [
      'a threshold far off',
      { score_configs: [{ name: 'x', type: 'numeric', range: { max: 1 }, threshold: 2 }] },
      '2 is out of the range',
    ],
    [
      'a range of labels',
      { score_configs: [{ name: 'x', type: 'categorical', categories: ['a'], range: { min: 1 } }] },
      'range: says nothing for a categorical score; its fields are categories, one_vote',
    ],
    [
      'no categories',
      { score_configs: [{ name: 'x', type: 'categorical' }] },
      'categories: must be a list of 1 to 200 categories',
    ],
    [
      'a label twice',
      { score_configs: [{ name: 'x', type: 'categorical', categories: ['a', 'a'] }] },
      'categories[1].label: "a" is there twice',
    ],
    [
      'a value twice',
      {
        score_configs: [
          {
            name: 'x',
            type: 'categorical',
            categories: [
              { label: 'a', value: 1 },
              { label: 'b', value: 1 },
            ],
          },
        ],
      },
      'categories[1].value: 1 is there twice',
    ],
    [
      'what to do with a breach',
      { score_configs: [{ name: 'x', type: 'text', on_violation: 'drop' }] },
      'on_violation: must be one of refuse, flag',
    ],
    [
      'twice for one project',
      {
        score_configs: [
          { name: 'x', type: 'text', project: ['p', 'q'] },
          { name: 'x', type: 'text', project: 'q' },
        ],
      },
      'score_configs[1]: "x" is configured twice for q',
    ],
    [
      'too many',
      { score_configs: Array.from({ length: 1001 }, (_, i) => ({ name: `x${i}`, type: 'text' })) },
      'has 1001 configurations, limit is 1000',
    ],
  ])('with %s is refused whole, with the place and what would be right', (_, tree, finding) => {
    expect(readScoreConfigs(tree).configs).toEqual([])
    expect(findingsOf(tree).join('\n')).toContain(finding)
  })

  test('of hostile objects sets no prototype', () => {
    const tree = JSON.parse('{"score_configs":[{"name":"__proto__","type":"numeric","__proto__":{"threshold":1}}]}')
    expect(findingsOf(tree)).toEqual([
      'score_configs[0].__proto__: is not known; known are name, project, type, on_violation, description, range, categories, direction, threshold, one_vote',
    ])
  })
})

test('a version is of what it makes of a score: another text or another way to refuse is the same one', () => {
  const version = (tree: object) => inForce('relevance', tree).version
  const base = { type: 'numeric', threshold: 0.7 }
  expect(version(base)).toMatch(/^relevance@[0-9a-f]{8}$/)
  expect(version({ ...base, direction: 'high', description: 'Judged by a model', on_violation: 'refuse' })).toBe(
    version(base),
  )
  const others = [
    { type: 'numeric' },
    { ...base, threshold: 0.8 },
    { ...base, direction: 'low' },
    { ...base, range: { min: 0 } },
    { ...base, one_vote: 'none' },
  ]
  expect(new Set([base, ...others].map(version)).size).toBe(others.length + 1)
})

describe('a score', () => {
  const judge = (tree: object, cells: Partial<ScoreRow>) => judgedScore(score('s', cells), inForce('s', tree))
  const verdict = (tree: object, cells: Partial<ScoreRow>) => {
    const { row } = judge(tree, cells)
    return row.violation === '' ? row.verdict : row.violation
  }

  test('is good from the threshold on, in the direction, whatever its label says', () => {
    const relevance = { type: 'numeric', threshold: 4 }
    expect([4, 3.9].map((value) => verdict(relevance, { value }))).toEqual([1, -1])
    const toxicity = { type: 'numeric', threshold: 0.2, direction: 'low' }
    expect(verdict(toxicity, { value: 0.2 })).toBe(1)
    expect(verdict(toxicity, { value: 0.3, label: 'pass', verdict: 1 })).toBe(-1)
    // Without a threshold the configuration does not judge.
    expect(verdict({ type: 'numeric', range: { min: 0 } }, { value: 1, label: 'pass', verdict: 1 })).toBe(1)
  })

  test('of truth may be told by a number or a label; `low` says that true is bad', () => {
    const grounded = { type: 'boolean' }
    expect([1, 0, 0.5].map((value) => verdict(grounded, { value }))).toEqual([1, -1, 'wrong_type'])
    expect(judge(grounded, { value: 1 }).row.data_type).toBe('boolean')
    expect(['pass', 'FALSE', 'perhaps'].map((label) => verdict(grounded, { value: null, label }))).toEqual([
      1,
      -1,
      'wrong_type',
    ])
    expect(verdict({ type: 'boolean', direction: 'low' }, { value: 1, verdict: 1 })).toBe(-1)
  })

  test('of categories is one of them, by label or by value', () => {
    const tone = {
      type: 'categorical',
      categories: [
        { label: 'kind', value: 2, verdict: 'good' },
        { label: 'rude', value: 0, verdict: 'bad' },
        { label: 'plain' },
      ],
    }
    const labelled = (label: string) => ({ value: null, label, data_type: 'categorical' })
    expect(['kind', 'rude', 'plain', 'Kind'].map((label) => verdict(tone, labelled(label)))).toEqual([
      1,
      -1,
      0,
      'unknown_category',
    ])
    expect([2, 0, 1].map((value) => verdict(tone, { value }))).toEqual([1, -1, 'unknown_category'])
    expect(judge(tone, labelled('kind')).row.value).toBe(2)
    expect(judge(tone, labelled('Kind')).problem).toBe(
      `"s" has no category for "Kind": it has "kind", "rude", "plain" (score configuration ${inForce('s', tone).version})`,
    )
    // Categories that say nothing of good and bad leave it to the label.
    expect(verdict({ type: 'categorical', categories: ['correct'] }, { ...labelled('correct'), verdict: 1 })).toBe(1)
  })

  test('out of range or of another type breaks it, with the value and the limit in words', () => {
    const range = (min?: number, max?: number) => ({
      type: 'numeric',
      range: { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) },
    })
    expect([0, 1, -0.001, 1.001].map((value) => verdict(range(0, 1), { value }))).toEqual([
      0,
      0,
      'out_of_range',
      'out_of_range',
    ])
    expect(judge(range(0, 1), { value: 2 }).problem).toMatch(
      /^score 2 of "s" is out of its range, 0 to 1 \(score configuration s@/,
    )
    expect(judge(range(0), { value: -1 }).problem).toContain('at least 0')
    expect(judge(range(undefined, 1), { value: 2 }).problem).toContain('at most 1')
    expect(judge(range(0, 1), { value: null, label: 'good', verdict: 1 }).problem).toMatch(
      /^"s" takes a number, not "good" /,
    )
    for (const tree of [range(0, 1), { type: 'boolean' }, { type: 'categorical', categories: ['a'] }])
      expect(verdict(tree, { data_type: 'text', value: null, text: 'a' })).toBe('wrong_type')
    expect(verdict({ type: 'text' }, { data_type: 'text', value: null, text: 'a' })).toBe(0)
    expect(verdict({ type: 'text' }, { value: 1 })).toBe('wrong_type')
  })

  test('that failed has nothing to judge', () => {
    const failed = score('s', { value: null, error_type: 'timeout' })
    expect(judgedScore(failed, inForce('s', { type: 'numeric' })).row).toEqual(failed)
  })

  test('judged again is as if it had never been judged before', () => {
    const sent = score('s', { value: 1, label: 'pass', verdict: 1 })
    const strict = inForce('s', {
      type: 'numeric',
      range: { max: 0.5 },
      threshold: 0.5,
      direction: 'low',
      one_vote: 'none',
    })
    const judged = judgedScore(sent, strict).row
    expect(judged).toMatchObject({
      verdict: -1,
      said_verdict: 1,
      violation: 'out_of_range',
      each_counts: 1,
      config: strict.version,
    })
    expect(judgedScore(judged, undefined).row).toEqual(sent)
    const mild = inForce('s', { type: 'numeric' })
    expect(judgedScore(judged, mild).row).toEqual(judgedScore(sent, mild).row)
    const tone = inForce('s', { type: 'categorical', categories: [{ label: 'a', value: 3 }] })
    const label = score('s', { label: 'a', data_type: 'categorical' })
    expect(judgedScore(judgedScore(label, tone).row, undefined).row).toEqual(label)
  })
})

describe('in the shapes of Langfuse', () => {
  test('there and back is the same, and a change keeps what Langfuse does not know', () => {
    const made = inForce('tone', {
      type: 'categorical',
      categories: [
        { label: 'kind', verdict: 'good' },
        { label: 'rude', value: 7 },
      ],
      one_vote: 'none',
    })
    expect(langfuseConfig('p', made)).toMatchObject({
      id: made.id,
      projectId: 'p',
      dataType: 'CATEGORICAL',
      isArchived: false,
      categories: [
        { label: 'kind', value: 0 },
        { label: 'rude', value: 7 },
      ],
      minValue: null,
    })
    const changed = configFromLangfuse(
      { categories: [{ label: 'kind', value: 1 }], description: 'How it sounds' },
      made.config,
    )
    expect(readScoreConfig(changed, 'tone')).toMatchObject({
      findings: [],
      config: {
        categories: [{ label: 'kind', value: 1, verdict: 'good' }],
        one_vote: 'none',
        on_violation: 'flag',
        description: 'How it sounds',
      },
    })
  })

  test('a new one refuses what breaks it, as Langfuse does', () => {
    const tree = configFromLangfuse({ name: 'n', dataType: 'NUMERIC', minValue: 0, maxValue: null })
    expect(readScoreConfig(tree, 'n').config).toEqual({
      name: 'n',
      type: 'numeric',
      range: { min: 0 },
      on_violation: 'refuse',
      one_vote: 'author',
    })
    const wrong = readScoreConfig(configFromLangfuse({ name: 'n', dataType: 'NUMBER' }), 'n').findings
    expect(wrong.map(configFindingText)).toEqual(['type: must be one of numeric, boolean, categorical, text'])
    expect(langfuseConfig('p', inForce('b', { type: 'boolean' }))).toMatchObject({
      categories: [
        { label: 'True', value: 1 },
        { label: 'False', value: 0 },
      ],
    })
  })
})
