targetScope = 'subscription'

// The service in a resource group of its own. `azd up` fills in the first two parameters and asks for the location;
// docs/operations.md says what the others are for.

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; names are made from it.')
param environmentName string

@description('Region of everything.')
param location string

@description('Object ID of who deploys, who gets to read the vault and the storage account; empty for nobody.')
param principalId string = ''

@description('Flex Consumption, or a Premium v3 plan of App Service, whose instances are never recycled for being idle.')
@allowed(['FlexConsumption', 'Premium'])
param plan string = 'FlexConsumption'

@description('Flex Consumption: memory of an instance. 4096 MB come with two cores.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Flex Consumption: instances of the scale group "durable" that are always there; 0 costs nothing when idle.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 1

@description('Flex Consumption: how many instances there are at most. Not every region takes less than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Premium: size of an instance.')
param premiumSku string = 'P1v3'

@description('Premium: how many instances there are.')
@minValue(1)
@maxValue(30)
param premiumInstances int = 2

@description('Where Durable keeps its state: the storage account, or a Durable Task Scheduler.')
@allowed(['AzureStorage', 'DurableTaskScheduler'])
param durableBackend string = 'AzureStorage'

@description('Reach storage account, vault and the servers below over private endpoints only. The app itself stays public.')
param privateNetwork bool = false

@description('Private network: address space of the virtual network, /24 or larger.')
param addressPrefix string = '10.77.0.0/24'

@description('Private network: resource IDs of flexible servers that get a private endpoint in it.')
param postgresServerIds array = []

@description('Client ID of an app registration: callers and the console sign in with Microsoft Entra. Empty: function keys only.')
param entraClientId string = ''

@description('Where alerts are sent; empty: they are shown in the portal only.')
param alertEmail string = ''

@description('Alert when the source keeps more write-ahead log than this for a migration, in GB.')
param retainedWalAlertGB int = 50

@description('Alert when a migration that follows its source is behind by more than this, in seconds.')
param latencyAlertSeconds int = 600

@secure()
@description('Random texts that the key which seals passwords is made of; used only when the vault has none yet.')
param secretsKeySeeds object = { one: newGuid(), two: newGuid(), three: newGuid() }

var suffix = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  params: { name: 'id-${suffix}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    suffix: suffix
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  scope: group
  params: { suffix: suffix, location: location, tags: tags, addressPrefix: addressPrefix, plan: plan }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: 'st${suffix}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: principalId
    publicAccess: !privateNetwork
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  params: {
    name: 'kv-${suffix}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: principalId
    publicAccess: !privateNetwork
    secretsKeySeeds: secretsKeySeeds
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableBackend == 'DurableTaskScheduler') {
  scope: group
  params: { suffix: suffix, location: location, tags: tags, appPrincipalId: identity.outputs.principalId }
}

module endpoints 'modules/private-endpoints.bicep' = if (privateNetwork) {
  scope: group
  params: {
    suffix: suffix
    location: location
    tags: tags
    networkId: network!.outputs.networkId
    subnetId: network!.outputs.endpointSubnetId
    storageId: storage.outputs.id
    vaultId: vault.outputs.id
    postgresServerIds: postgresServerIds
  }
}

module app 'modules/function-app.bicep' = {
  scope: group
  // A private app cannot start before it finds its storage account and its key.
  dependsOn: [endpoints]
  params: {
    name: 'func-${suffix}'
    location: location
    tags: union(tags, { 'azd-service-name': 'migrations' })
    plan: plan
    instanceMemoryMB: instanceMemoryMB
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    premiumSku: premiumSku
    premiumInstances: premiumInstances
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainerUri: storage.outputs.deploymentContainerUri
    sealingKeyUri: vault.outputs.sealingKeyUri
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    entraClientId: entraClientId
    schedulerEndpoint: durableBackend == 'DurableTaskScheduler' ? scheduler!.outputs.endpoint : ''
    schedulerHub: durableBackend == 'DurableTaskScheduler' ? scheduler!.outputs.hub : ''
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
    retainedWalAlertGB: retainedWalAlertGB
    latencyAlertSeconds: latencyAlertSeconds
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP string = app.outputs.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
output PGMIGRATE_URL string = app.outputs.url
