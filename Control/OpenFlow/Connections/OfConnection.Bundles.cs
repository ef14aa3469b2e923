using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <content>Bundles: messages that hold together, or not at all (OVS <c>bundles.c</c>, <c>do_bundle_commit</c>).</content>
public sealed partial class OfConnection
{
    /// <summary>Bundles that a connection may have open.</summary>
    private const int MaxBundles = 16;

    /// <summary>Messages in them.</summary>
    private const int MaxBundledMessages = 1_000_000;

    private readonly Dictionary<uint, Bundle> _bundles = [];
    private int _bundledCount;
    private long _bundledBytes;

    /// <summary>A bundle that nobody has touched for a while is given up (OVS <c>bundle_remove_expired</c>).</summary>
    private void ExpireBundles(long nowMs)
    {
        if (_bundles.Count == 0 || !_receiving.TryEnter()) return;
        try
        {
            foreach ((uint id, Bundle bundle) in _bundles.ToArray())
            {
                if (nowMs - bundle.UsedMs < _group.BundleIdleMs) continue;
                Discard(id);
                TrySend(OfErrorMessage.Of("OFPBFC_TIMEOUT", _version, bundle.Opening.Span));
            }
        }
        finally
        {
            _receiving.Exit();
        }
    }

    private void Control(OfBundleControl message, ReadOnlySpan<byte> bytes)
    {
        if (((int)message.Flags & ~3) != 0) throw new OfRefusal("OFPBFC_BAD_FLAGS", $"flags {(int)message.Flags}");
        switch (message.Command)
        {
            case OfBundleCommand.OpenRequest:
                if (_bundles.ContainsKey(message.BundleId))
                {
                    Discard(message.BundleId);
                    throw new OfRefusal("OFPBFC_BAD_ID", $"bundle {message.BundleId} is open");
                }

                Open(message.BundleId, message.Flags, bytes);
                break;
            case OfBundleCommand.CloseRequest:
                Close(message);
                break;
            case OfBundleCommand.CommitRequest:
                Commit(message, bytes);
                break;
            case OfBundleCommand.DiscardRequest:
                Find(message.BundleId);
                Discard(message.BundleId);
                break;
            default:
                throw new OfRefusal("OFPBFC_BAD_TYPE", $"{message.Command} is for controllers");
        }

        Reply(message with { Command = message.Command + 1, Flags = OfBundleFlags.None });
    }

    private Bundle Find(uint id) => _bundles.GetValueOrDefault(id) ?? throw new OfRefusal("OFPBFC_BAD_ID", $"there is no bundle {id}");

    private Bundle Open(uint id, OfBundleFlags flags, ReadOnlySpan<byte> opening)
    {
        if (_bundles.Count >= MaxBundles) throw new OfRefusal("OFPBFC_OUT_OF_BUNDLES", $"there are {MaxBundles} bundles");
        var bundle = new Bundle(flags, new OfBytes(opening.ToArray()));
        _bundles.Add(id, bundle);
        return bundle;
    }

    private void Discard(uint id)
    {
        if (!_bundles.Remove(id, out Bundle? bundle)) return;
        _bundledCount -= bundle.Parts.Count;
        _bundledBytes -= bundle.SizeBytes;
    }

    private void Close(OfBundleControl message)
    {
        Bundle bundle = Find(message.BundleId);
        if (bundle.IsClosed || bundle.Flags != message.Flags)
        {
            Discard(message.BundleId);
            throw new OfRefusal(bundle.IsClosed ? "OFPBFC_BUNDLE_CLOSED" : "OFPBFC_BAD_FLAGS", $"bundle {message.BundleId}");
        }

        (bundle.IsClosed, bundle.UsedMs) = (true, ProcessClock.NowMs);
    }

    private void AddToBundle(OfBundleAdd message, ReadOnlySpan<byte> added)
    {
        if (_bundledCount >= MaxBundledMessages) throw new OfRefusal("OFPBFC_MSG_TOO_MANY", $"{MaxBundledMessages} messages");
        ReadOnlySpan<byte> bytes = message.Message.Span;
        if (_bundledBytes + bytes.Length > _group.MaxBundledBytes) throw new OfRefusal("OFPBFC_MSG_TOO_MANY", $"{_group.MaxBundledBytes} bytes of messages");
        if (OfCodec.KindForSwitch(bytes) is not (OfKind.FlowMod or OfKind.GroupMod or OfKind.PortMod or OfKind.PacketOut)) throw new OfRefusal("OFPBFC_MSG_UNSUP", "no such message in a bundle");
        OfMessage inner = OfCodec.Decode(bytes);
        object change = inner switch
        {
            OfFlowModMessage flow => Admitted(Checked(flow)),
            OfGroupModMessage group => group.Mod,
            OfPacketOut packet => Admitted(packet),
            OfPortMod => inner,
            _ => throw new OfRefusal("OFPBFC_MSG_UNSUP", $"{inner.Kind} in a bundle"),
        };
        if (!_bundles.TryGetValue(message.BundleId, out Bundle? bundle)) bundle = Open(message.BundleId, message.Flags, added);
        if (bundle.IsClosed || bundle.Flags != message.Flags)
        {
            Discard(message.BundleId);
            throw new OfRefusal(bundle.IsClosed ? "OFPBFC_BUNDLE_CLOSED" : "OFPBFC_BAD_FLAGS", $"bundle {message.BundleId}");
        }

        bundle.UsedMs = ProcessClock.NowMs;
        bundle.Parts.Add((change, message.Message));
        bundle.SizeBytes += bytes.Length;
        _bundledCount++;
        _bundledBytes += bytes.Length;
    }

    /// <summary>What cannot be, whatever stands before it, is refused at once (OVS <c>ofproto_flow_mod_init</c>).</summary>
    private static FlowMod Admitted(FlowMod mod)
    {
        if (mod.Command is FlowModCommand.Delete or FlowModCommand.DeleteStrict) return mod;
        if (mod.Table is TableCount) throw new OfRefusal("OFPBRC_EPERM", "the table is the switch's own");
        return mod;
    }

    private OfPacketOut Admitted(OfPacketOut packet)
    {
        _switch.Check(packet);
        return packet;
    }

    /// <summary>Flows and groups hold together; ports and packets follow, in their order.</summary>
    private void Commit(OfBundleControl message, ReadOnlySpan<byte> bytes)
    {
        Bundle bundle = Find(message.BundleId);
        try
        {
            if (bundle.Flags != message.Flags) throw new OfRefusal("OFPBFC_BAD_FLAGS", $"bundle {message.BundleId}");
            List<int> indexes = [.. Enumerable.Range(0, bundle.Parts.Count).Where(i => bundle.Parts[i].Change is FlowMod or GroupMod or OfPacketOut)];
            int failed = -1;
            try
            {
                // Nothing may be refused once anything has been done (OVS port_mod_start).
                for (int i = 0; i < bundle.Parts.Count; i++)
                {
                    failed = i;
                    if (bundle.Parts[i].Change is OfPortMod port) _switch.Check(port);
                }

                failed = -1;
                if (indexes.Count > 0) _switch.Apply([.. indexes.Select(i => bundle.Parts[i].Change is OfPacketOut packet ? packet.Actions : bundle.Parts[i].Change)], this, message.Xid);
                for (int i = 0; i < bundle.Parts.Count; i++)
                {
                    failed = i;
                    if (bundle.Parts[i].Change is OfPortMod port) Change(port);
                    else if (bundle.Parts[i].Change is OfPacketOut packet) _switch.Send(packet);
                    else if (bundle.Parts[i].Change is GroupMod group) Forward(new OfGroupModMessage { Kind = OfKind.GroupMod, Xid = OfCodec.XidOf(bundle.Parts[i].Quote.Span), Mod = group }, GroupModReason);
                }
            }
            catch (FlowModException e) when (indexes.Count > 0)
            {
                Refuse(e.Error, bundle.Parts[failed >= 0 ? failed : indexes[Math.Min(e.Index, indexes.Count - 1)]].Quote.Span);
                throw new OfRefusal("OFPBFC_MSG_FAILED", $"bundle {message.BundleId}");
            }
            catch (OfRefusal e)
            {
                Refuse(e.Error, bundle.Parts[failed].Quote.Span);
                throw new OfRefusal("OFPBFC_MSG_FAILED", $"bundle {message.BundleId}");
            }
        }
        finally
        {
            Discard(message.BundleId);
        }
    }

    /// <summary>What has been put together.</summary>
    private sealed class Bundle(OfBundleFlags flags, OfBytes opening)
    {
        public OfBundleFlags Flags { get; } = flags;

        /// <summary>The message that began it.</summary>
        public OfBytes Opening { get; } = opening;

        public long UsedMs { get; set; } = ProcessClock.NowMs;

        public bool IsClosed { get; set; }

        /// <summary>Each message, and its bytes for an error.</summary>
        public List<(object Change, OfBytes Quote)> Parts { get; } = [];

        /// <summary>Of all messages.</summary>
        public long SizeBytes { get; set; }
    }
}
