// What somebody should be told of. The queries are those of docs/operations.md.
param location string
param tags object
param workspaceId string
param email string
param retainedWalAlertGB int
param latencyAlertSeconds int

var rules = [
  {
    name: 'migration-failed'
    description: 'A migration has failed. pgmigrate report says which table it was and what the server said.'
    query: 'AppMetrics | where Name == "migration.ended" | where tostring(Properties["migration.state"]) == "Failed" | where Sum > 0'
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
  }
  {
    name: 'source-retains-wal'
    description: 'The source keeps write-ahead log for a migration: its disk fills. docs/operations.md, "The slot holds 200 GB".'
    query: 'AppMetrics | where Name == "migration.replication.retained_wal" | where Max > ${retainedWalAlertGB}e9'
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
  }
  {
    name: 'migration-is-behind'
    description: 'A migration that follows its source is behind. Its message says what keeps it from getting on.'
    query: 'AppMetrics | where Name == "migration.replication.latency" | where Min > ${latencyAlertSeconds}'
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
  }
  {
    name: 'janitor-has-not-run'
    description: 'The timer that ends what nobody owns any more has not run: the app is down, or its storage account cannot be reached.'
    query: 'AppRequests | where OperationName == "janitor" or Name == "janitor" | where Success == true'
    severity: 1
    window: 'PT30M'
    operator: 'LessThan'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (email != '') {
  name: 'migration-alerts'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'migration'
    enabled: true
    emailReceivers: [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: rule.name
    location: location
    tags: tags
    properties: {
      displayName: rule.name
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: rule.window
      // A workspace that has seen no data yet lacks the table.
      skipQueryValidation: true
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: rule.operator
            threshold: rule.operator == 'LessThan' ? 1 : 0
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: { actionGroups: email == '' ? [] : [people.id] }
    }
  }
]
