namespace Mergeflow.Control.OpenFlow;

/// <content>What is answered to what (OVS <c>handle_single_part_openflow</c>).</content>
public sealed partial class OfConnection
{
    private const byte TableCount = 254;

    /// <summary>A message of features without ports; a port in it, in OpenFlow 1.0 and from 1.1 on.</summary>
    private const int FeaturesBytes = 32, PortBytes10 = 48, PortBytes11 = 64;

    /// <summary>What a controller begins with (OVS <c>OFP_DEFAULT_MISS_SEND_LEN</c>).</summary>
    private const ushort DefaultMissSendLength = 128;

    /// <summary>Packets whose time to live is up are for controllers, in OpenFlow 1.1 and 1.2.</summary>
    private const ushort TellsInvalidTtl = 4;

    /// <summary>Nothing of it acts but whether it is zero: who is no controller is then told of nothing.</summary>
    private volatile ushort _missSendLength;

    private void Answer(OfMessage message, ReadOnlySpan<byte> bytes)
    {
        switch (message.Kind)
        {
            case OfKind.EchoRequest:
                Reply(message with { Kind = OfKind.EchoReply });
                break;
            case OfKind.BarrierRequest:
                // What packets before it have told is told before it is answered.
                _switch.TellAll();
                Reply(message with { Kind = OfKind.BarrierReply });
                break;
            case OfKind.FeaturesRequest:
                Reply(Features(message));
                break;
            case OfKind.GetConfigRequest:
                Reply(Config(message));
                break;
            case OfKind.SetConfig:
                SetConfig((OfSwitchConfig)message);
                break;
            case OfKind.FlowMod:
                _switch.Apply([Checked((OfFlowModMessage)message)], this, message.Xid);
                break;
            case OfKind.GroupMod:
                _switch.Apply([((OfGroupModMessage)message).Mod], this, message.Xid);
                Forward(message, GroupModReason);
                break;
            case OfKind.MeterMod:
                _switch.Apply(((OfMeterModMessage)message).Mod);
                Forward(message, MeterModReason);
                break;
            case OfKind.PortMod:
                Change((OfPortMod)message);
                break;
            case OfKind.TableMod:
                _switch.Apply((OfTableMod)message, _version, TableCount);
                break;
            case OfKind.PacketOut:
                _switch.Send((OfPacketOut)message);
                break;
            case OfKind.BundleControl:
                Control((OfBundleControl)message, bytes);
                break;
            case OfKind.BundleAdd:
                AddToBundle((OfBundleAdd)message, bytes);
                break;
            // An error is not answered with an error, as Open vSwitch does it: who does so too would never come to an end.
            case OfKind.EchoReply or OfKind.Error or OfKind.FlowAge:
                break;
            default:
                if (!AnswerExtension(message) && !AnswerPart(message)) throw new OfRefusal("OFPBRC_BAD_TYPE", $"{message.Kind} is for controllers");
                break;
        }
    }

    private bool AnswerExtension(OfMessage message)
    {
        switch (message.Kind)
        {
            case OfKind.RoleRequest:
                SetRole((OfRole)message);
                return true;
            case OfKind.SetAsync:
                SetAsync((OfAsyncConfig)message);
                return true;
            case OfKind.GetAsyncRequest:
                Reply(new OfAsyncConfig { Kind = OfKind.GetAsyncReply, Xid = message.Xid, Masks = new EquatableList<uint?>(AsyncMasks().Select((m, i) => (uint?)(m & Allowed(i)))) });
                return true;
            case OfKind.SetFlowFormat:
                if (((OfNumber)message).Value is not (0 or 2)) throw new OfRefusal("OFPBRC_EPERM", "no such form of flows");
                _hasNiciraFlows = ((OfNumber)message).Value == 2;
                return true;
            case OfKind.FlowModTableId:
                _hasTableIds = ((OfFlowModTableId)message).IsSet != 0;
                return true;
            case OfKind.SetPacketInFormat:
                if (((OfNumber)message).Value > 2) throw new OfRefusal("OFPBRC_EPERM", "no such form of packets");
                _packetInFormat = (OfPacketInFormat)((OfNumber)message).Value;
                return true;
            case OfKind.SetControllerId:
                _controllerId = ((OfNumber16)message).Value;
                return true;
            case OfKind.TlvTableMod:
                _switch.Apply((OfTlvTableMod)message);
                return true;
            case OfKind.TlvTableRequest:
                Reply(new OfTlvTableReply { Kind = OfKind.TlvTableReply, Xid = message.Xid, IsNicira = true, MaxOptionSpace = OfTlvTable.MaxOptionSpace, MaxFields = OfTlvTable.MaxFields, Maps = _switch.Tlvs.Maps });
                return true;
            case OfKind.CtFlushZone:
                _switch.Flush(new OfCtFlush { Zone = ((OfNumber16)message).Value });
                return true;
            case OfKind.CtFlush:
                _switch.Flush((OfCtFlush)message);
                return true;
            case OfKind.Resume:
                _switch.Resume((OfPacketIn2)message);
                return true;
            case OfKind.FlowMonitorCancel:
                CancelMonitor(((OfNumber)message).Value);
                return true;
            default:
                return false;
        }
    }

    private OfFeatures Features(OfMessage request) => new()
    {
        Kind = OfKind.FeaturesReply,
        Xid = request.Xid,
        DatapathId = _switch.DatapathId,
        TableCount = TableCount,

        // Flows, tables, ports, queues; groups from 1.1 on; up to 1.1 also ARP addresses; bundles.
        Capabilities = _version switch { OfVersion.V10 => 0xc7, OfVersion.V11 => 0xcf, < OfVersion.V14 => 0x4f, _ => 0x24f },
        Actions = _version == OfVersion.V10 ? 0xfffu : 0,
        Ports = new EquatableList<OfPort>(_switch.Ports.Take(MostPorts)),
    };

    /// <summary>Ports for which a message of features has room; later versions ask for them in parts (OVS <c>ofputil_put_switch_features_port</c>).</summary>
    private int MostPorts => (ushort.MaxValue - FeaturesBytes) / (_version == OfVersion.V10 ? PortBytes10 : PortBytes11);

    private bool HasTtlFlag => _version < OfVersion.V13;

    private OfSwitchConfig Config(OfMessage request) => new()
    {
        Kind = OfKind.GetConfigReply,
        Xid = request.Xid,
        Flags = (ushort)((int)_switch.Fragments | (HasTtlFlag && (AsyncMask(OfAsyncKind.PacketIn, isSecondary: false) & InvalidTtlBit) != 0 ? TellsInvalidTtl : 0)),
        MissSendLength = _missSendLength,
    };

    private void SetConfig(OfSwitchConfig config)
    {
        if ((config.Flags & ~(HasTtlFlag ? 7 : 3)) != 0) throw new OfRefusal("OFPSCFC_BAD_FLAGS", $"flags {config.Flags}");
        if (_settings.IsService || _role != Secondary) _switch.Fragments = (FragmentHandling)(config.Flags & 3);
        if (HasTtlFlag)
        {
            uint[] masks = AsyncMasks();
            masks[1] = (config.Flags & TellsInvalidTtl) != 0 ? masks[1] | InvalidTtlBit : masks[1] & ~InvalidTtlBit;
            _async = masks;
        }

        _missSendLength = config.MissSendLength;
    }

    /// <summary>Before OpenFlow 1.1 the table is the upper byte of the command, if the connection has said so.</summary>
    private FlowMod Checked(OfFlowModMessage message)
    {
        FlowMod mod = message.Mod;
        if (message.BufferId != OfFlowModMessage.NoBuffer && mod.Command is not (FlowModCommand.Delete or FlowModCommand.DeleteStrict)) throw new OfRefusal("OFPBRC_BUFFER_UNKNOWN", "there are no buffers");
        if (_version != OfVersion.V10 || _hasTableIds) return mod;
        if (mod.Table is not 0) throw new OfRefusal("OFPFMFC_BAD_COMMAND", "a table, and the connection has not said that there are tables");
        return mod.Command == FlowModCommand.Add ? mod : Everywhere(mod);
    }

    private static FlowMod Everywhere(FlowMod mod) => new()
    {
        Command = mod.Command,
        Priority = mod.Priority,
        Cookie = mod.Cookie,
        CookieMask = mod.CookieMask,
        NewCookie = mod.NewCookie,
        AddsIfNone = mod.AddsIfNone,
        IsOf10 = true,
        IdleTimeoutSeconds = mod.IdleTimeoutSeconds,
        HardTimeoutSeconds = mod.HardTimeoutSeconds,
        OutPort = mod.OutPort,
        OutGroup = mod.OutGroup,
        Importance = mod.Importance,
        Flags = mod.Flags,
        Match = mod.Match,
        Actions = mod.Actions,
    };
}
