// Durable's state in a Durable Task Scheduler instead of the storage account.
param suffix string
param location string
param tags object
param appPrincipalId string

var durableTaskDataContributor = '0ad04412-c4d5-4796-b79c-f76d14c8d402'

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: 'dts-${suffix}'
  location: location
  tags: tags
  properties: { sku: { name: 'Consumption' }, ipAllowlist: ['0.0.0.0/0'] }

  resource hub 'taskHubs' = {
    name: 'PostgresMigration'
    properties: {}
  }
}

resource mayUse 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: scheduler
  name: guid(scheduler.id, appPrincipalId, durableTaskDataContributor)
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', durableTaskDataContributor)
  }
}

output endpoint string = scheduler.properties.endpoint
output hub string = scheduler::hub.name
