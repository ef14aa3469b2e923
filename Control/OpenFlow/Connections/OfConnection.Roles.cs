namespace Mergeflow.Control.OpenFlow;

/// <content>Roles, and which messages come without being asked for (OVS <c>connmgr.c</c>, <c>ofp-connection.c</c>).</content>
public sealed partial class OfConnection
{
    private const uint Equal = 1;
    private const uint Primary = 2;
    private const uint Secondary = 3;

    private const uint InvalidTtlBit = 1u << 2;
    private const uint ActionBit = 1u << 1;
    private const uint NoMatchBit = 1;
    private const uint ExplicitMissBit = 1u << 6;
    private const uint ImplicitMissBit = 1u << 7;

    /// <summary>Reasons that older versions know as an action: an action, an action set, a group, a packet out.</summary>
    private const uint ActionBits = 0b11_1010;

    /// <summary>For each kind of message the reasons for which a secondary gets it, then those for others; null = as the version begins.</summary>
    private volatile uint[]? _async;
    private volatile uint _role = Equal;
    private OfPacketInFormat _packetInFormat;
    private ushort _controllerId;

    /// <summary>1 = equal, 2 = primary, 3 = secondary.</summary>
    public uint Role => _role;

    /// <summary>A packet that no rule matches is for this connection (OVS <c>update_want_packet_in_on_miss</c>).</summary>
    internal bool WantsMisses => _version is not 0 and < OfVersion.V13 && _controllerId == 0 && Wants(OfAsyncKind.PacketIn, 0);

    /// <summary>As a version begins (OVS <c>ofputil_async_cfg_default</c>): packets (no match, action, what came later; no invalid TTL), changes of ports, removed flows.</summary>
    private uint[] AsyncMasks()
    {
        if (_async is { } chosen) return (uint[])chosen.Clone();
        uint[] masks = new uint[OfAsyncConfig.KindCount * 2];
        if (!_settings.HasAsyncMessages) return masks;
        masks[1] = (0b11_1111 & ~InvalidTtlBit) | ExplicitMissBit | (_version < OfVersion.V13 ? ImplicitMissBit : 0);
        (masks[2], masks[3]) = (7, 7);
        masks[5] = _version switch { >= OfVersion.V14 => 0x3f, OfVersion.V13 => 0xf, _ => 7 };
        return masks;
    }

    private uint AsyncMask(OfAsyncKind kind, bool isSecondary) => AsyncMasks()[((int)kind * 2) + (isSecondary ? 0 : 1)];

    /// <summary>A secondary may ask, and change nothing (OVS <c>reject_secondary_controller</c>).</summary>
    private void CheckRole(OfKind kind)
    {
        if (_role != Secondary) return;
        bool changes = kind is OfKind.FlowMod or OfKind.GroupMod or OfKind.MeterMod or OfKind.PortMod or OfKind.TableMod or OfKind.PacketOut or OfKind.BundleControl or OfKind.BundleAdd
            or OfKind.TlvTableMod;
        if (changes) throw new OfRefusal("OFPBRC_IS_SECONDARY", "a secondary controller changes nothing");
    }

    private void SetRole(OfRole request)
    {
        if (request.Role != 0)
        {
            if (!request.IsNicira && request.Role is Primary or Secondary && !_group.TakesGeneration(request.GenerationId)) throw new OfRefusal("OFPRRFC_STALE", "a newer choice has been made");
            bool isNew = _role != request.Role;
            _role = request.Role;
            if (isNew && _role == Primary)
            {
                foreach (OfConnection other in _group.All)
                {
                    if (other != this && other._role == Primary) other.Demote();
                }
            }
        }

        Reply(request with { Kind = OfKind.RoleReply, Role = _role, GenerationId = _group.Generation });
    }

    private void Demote()
    {
        _role = Secondary;
        if (_version < OfVersion.V13) return;
        TrySend(new OfRoleStatus { Kind = OfKind.RoleStatus, Xid = _group.NextXid(), Role = Secondary, GenerationId = _group.Generation });
    }

    private void SetAsync(OfAsyncConfig config)
    {
        uint[] masks = AsyncMasks();
        bool isStrict = config.HasProperties || (_version >= OfVersion.V14 && !config.IsNicira);
        for (int i = 0; i < masks.Length; i++)
        {
            if (config.Masks[i] is not { } wanted) continue;
            if (isStrict && (wanted & ~Allowed(i)) != 0) throw new OfRefusal("OFPACFC_INVALID", $"reasons 0x{wanted:x}");
            masks[i] = wanted & Allowed(i);

            // Who wants packets that no flow matches wants those of the flow that matches all, too (OVS decode_async_mask).
            if (i < 2 && (wanted & NoMatchBit) != 0) masks[i] |= ExplicitMissBit | (_version < OfVersion.V13 ? ImplicitMissBit : 0);
        }

        for (int i = 0; i < 2 && _version < OfVersion.V14; i++)
        {
            if ((masks[i] & ActionBit) != 0) masks[i] |= ActionBits;
        }

        _async = masks;
        if (_settings.IsService && _missSendLength == 0) _missSendLength = DefaultMissSendLength;
    }

    /// <summary>Reasons that a version knows (OVS <c>ofp14_async_prop_allowed</c>).</summary>
    private uint Allowed(int kind) => (OfAsyncKind)(kind / 2) switch
    {
        OfAsyncKind.PacketIn => _version >= OfVersion.V14 ? 0x3fu : 7,
        OfAsyncKind.FlowRemoved => 0x3f,
        OfAsyncKind.TableStatus => 0x18,
        OfAsyncKind.RequestForward => 3,
        _ => 7,
    };

    /// <summary>The connection wants to be told, for this reason (OVS <c>ofconn_receives_async_msg</c>).</summary>
    private bool Wants(OfAsyncKind kind, int reason)
        => IsGreeted && (!_settings.IsService || _missSendLength != 0) && ((AsyncMask(kind, _role == Secondary) >> reason) & 1) != 0;

    private bool TrySend(OfMessage message)
    {
        OfWriter writer = NewWriter();
        return OfCodec.TryEncode(message, writer) && _sink.TrySend(writer.Written);
    }

    private enum OfAsyncKind
    {
        PacketIn,
        PortStatus,
        FlowRemoved,
        RoleStatus,
        TableStatus,
        RequestForward,
    }

    /// <summary>How packets come (OVS <c>enum ofputil_packet_in_format</c>).</summary>
    private enum OfPacketInFormat
    {
        Standard,
        Nicira,
        Nicira2,
    }
}
