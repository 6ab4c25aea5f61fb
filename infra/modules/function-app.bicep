// The app itself, on Flex Consumption or on a Premium v3 plan.
param name string
param location string
param tags object
param plan string
param instanceMemoryMB int
param alwaysReadyInstances int
param maximumInstances int
param premiumSku string
param premiumInstances int
param identityId string
param identityClientId string
param storageName string
param deploymentContainerUri string
param sealingKeyUri string
param applicationInsightsConnectionString string
param subnetId string
param entraClientId string
param schedulerEndpoint string
param schedulerHub string

var flex = plan == 'FlexConsumption'
var storageSuffix = az.environment().suffixes.storage

var settings = union(
  {
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__blobServiceUri: 'https://${storageName}.blob.${storageSuffix}'
    AzureWebJobsStorage__queueServiceUri: 'https://${storageName}.queue.${storageSuffix}'
    AzureWebJobsStorage__tableServiceUri: 'https://${storageName}.table.${storageSuffix}'
    APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    SECRETS_KEY: '@Microsoft.KeyVault(SecretUri=${sealingKeyUri})'
    // Which identity @azure/identity takes: for the storage account, and for servers with authentication Entra.
    AZURE_CLIENT_ID: identityClientId
  },
  schedulerEndpoint == ''
    ? {}
    : {
        DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
        AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
        AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
        AzureFunctionsJobHost__extensions__durableTask__hubName: schedulerHub
      },
  // Flex Consumption has these in functionAppConfig, and refuses them as settings.
  flex ? {} : { FUNCTIONS_EXTENSION_VERSION: '~4', FUNCTIONS_WORKER_RUNTIME: 'node', WEBSITE_RUN_FROM_PACKAGE: '1' }
)

resource serverFarm 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: flex ? 'functionapp' : 'linux'
  sku: flex ? { name: 'FC1', tier: 'FlexConsumption' } : { name: premiumSku, capacity: premiumInstances }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: serverFarm.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: subnetId == '' ? null : subnetId
    functionAppConfig: flex
      ? {
          runtime: { name: 'node', version: '22' }
          scaleAndConcurrency: {
            instanceMemoryMB: instanceMemoryMB
            maximumInstanceCount: maximumInstances
            alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'durable', instanceCount: alwaysReadyInstances }]
          }
          deployment: {
            storage: {
              type: 'blobContainer'
              value: deploymentContainerUri
              authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
            }
          }
        }
      : null
    siteConfig: union(
      {
        minTlsVersion: '1.2'
        scmMinTlsVersion: '1.2'
        ftpsState: 'Disabled'
        http20Enabled: true
        cors: { allowedOrigins: [], supportCredentials: false }
      },
      flex ? {} : { linuxFxVersion: 'NODE|22', alwaysOn: true, healthCheckPath: '/health', vnetRouteAllEnabled: subnetId != '' }
    )
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    properties: settings
  }

  // Uploads go by Entra, never by a publishing password.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }
  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource signIn 'config' = if (entraClientId != '') {
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: true }
      globalValidation: {
        requireAuthentication: true
        // A program wants a status, not a page; the console asks /.auth/me and leads people to sign in.
        unauthenticatedClientAction: 'Return401'
        excludedPaths: ['/health', '/console', '/console/*']
      }
      identityProviders: {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: entraClientId
            openIdIssuer: '${az.environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
          }
          validation: { allowedAudiences: ['api://${entraClientId}', entraClientId] }
        }
      }
      login: { tokenStore: { enabled: true } }
      httpSettings: { requireHttps: true }
    }
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
