using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Conntrack;

/// <summary>Takes back a packet that nobody will see again.</summary>
public unsafe delegate void PacketDrop(Packet* packet);
