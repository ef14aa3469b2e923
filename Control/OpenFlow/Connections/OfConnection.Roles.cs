namespace Mergeflow.Control.OpenFlow;

/// <content>Roles, and which messages come without being asked for (OVS <c>connmgr.c</c>, <c>ofp-connection.c</c>).</content>
public sealed partial class OfConnection
{
    private const uint Equal = 1;
    private const uint Primary = 2;
    private const uint Secondary = 3;

    /// <summary>
    /// For each kind of message the reasons for which a secondary gets it, then those for others, as OpenFlow begins: packets (no match, action, invalid TTL, and what came later), changes of ports,
    /// removed flows.
    /// </summary>
    private uint[] _async = Defaults();
    private volatile uint _role = Equal;
    private OfPacketInFormat _packetInFormat;
    private ushort _controllerId;

    /// <summary>1 = equal, 2 = primary, 3 = secondary.</summary>
    public uint Role => _role;

    private static uint[] Defaults() => [0, 0x3f & ~4u, 7, 7, 0, 0x3f, 0, 0, 0, 0, 0, 0];

    /// <summary>A secondary may ask, and change nothing (OVS <c>reject_secondary_controller</c>).</summary>
    private void CheckRole(OfKind kind)
    {
        if (_role != Secondary) return;
        bool changes = kind is OfKind.FlowMod or OfKind.GroupMod or OfKind.MeterMod or OfKind.PortMod or OfKind.TableMod or OfKind.PacketOut or OfKind.BundleControl or OfKind.BundleAdd
            or OfKind.SetConfig or OfKind.TlvTableMod or OfKind.CtFlush or OfKind.CtFlushZone or OfKind.Resume;
        if (changes) throw new OfRefusal("OFPBRC_IS_SECONDARY", "a secondary controller changes nothing");
    }

    private void SetRole(OfRole request)
    {
        if (request.Role != 0)
        {
            if (!request.IsNicira && request.Role is Primary or Secondary && !_group.TakesGeneration(request.GenerationId)) throw new OfRefusal("OFPRRFC_STALE", "a newer choice has been made");
            _role = request.Role;
            if (_role == Primary)
            {
                foreach (OfConnection other in _group.All)
                {
                    if (other != this && other._role == Primary) other.Demote(request.GenerationId);
                }
            }
        }

        Reply(request with { Kind = OfKind.RoleReply, Role = _role });
    }

    private void Demote(ulong generation)
    {
        _role = Secondary;
        if (_version < OfVersion.V13) return;
        TrySend(new OfRoleStatus { Kind = OfKind.RoleStatus, Xid = _group.NextXid(), Role = Secondary, GenerationId = generation });
    }

    private void SetAsync(OfAsyncConfig config)
    {
        var masks = (uint[])_async.Clone();
        for (int i = 0; i < masks.Length; i++) masks[i] = config.Masks[i] ?? masks[i];
        _async = masks;
    }

    /// <summary>The connection wants to be told, for this reason.</summary>
    private bool Wants(OfAsyncKind kind, int reason) => _version != 0 && ((_async[((int)kind * 2) + (_role == Secondary ? 0 : 1)] >> reason) & 1) != 0;

    private bool TrySend(OfMessage message)
    {
        OfWriter writer = NewWriter();
        OfCodec.Encode(message, writer);
        return _sink.TrySend(writer.Written);
    }

    private enum OfAsyncKind
    {
        PacketIn,
        PortStatus,
        FlowRemoved,
    }

    /// <summary>How packets come (OVS <c>enum ofputil_packet_in_format</c>).</summary>
    private enum OfPacketInFormat
    {
        Standard,
        Nicira,
        Nicira2,
    }
}
