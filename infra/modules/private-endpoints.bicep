// Private endpoints with the DNS zones in which they are found.
param suffix string
param location string
param tags object
param networkId string
param subnetId string
param storageId string
param vaultId string
param postgresServerIds array

var fixedTargets = [
  { name: 'blob', id: storageId, kind: 'blob', zone: 0 }
  { name: 'queue', id: storageId, kind: 'queue', zone: 1 }
  { name: 'table', id: storageId, kind: 'table', zone: 2 }
  { name: 'vault', id: vaultId, kind: 'vault', zone: 3 }
]
var servers = [
  for (id, index) in postgresServerIds: { name: 'postgres-${index}', id: id, kind: 'postgresqlServer', zone: 4 }
]
var targets = concat(fixedTargets, servers)
var zoneNames = [
  'privatelink.blob.${az.environment().suffixes.storage}'
  'privatelink.queue.${az.environment().suffixes.storage}'
  'privatelink.table.${az.environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
  'privatelink.postgres.database.azure.com'
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for name in zoneNames: { name: name, location: 'global', tags: tags }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (name, index) in zoneNames: {
    parent: zones[index]
    name: 'link-${suffix}'
    location: 'global'
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for target in targets: {
    name: 'pe-${target.name}-${suffix}'
    location: location
    tags: tags
    properties: {
      subnet: { id: subnetId }
      privateLinkServiceConnections: [
        { name: target.name, properties: { privateLinkServiceId: target.id, groupIds: [target.kind] } }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (target, index) in targets: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [{ name: target.name, properties: { privateDnsZoneId: zones[target.zone].id } }]
    }
  }
]
