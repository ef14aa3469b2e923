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

                Open(message.BundleId, message.Flags);
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

    private Bundle Open(uint id, OfBundleFlags flags)
    {
        if (_bundles.Count >= MaxBundles) throw new OfRefusal("OFPBFC_OUT_OF_BUNDLES", $"there are {MaxBundles} bundles");
        var bundle = new Bundle(flags);
        _bundles.Add(id, bundle);
        return bundle;
    }

    private void Discard(uint id)
    {
        if (_bundles.Remove(id, out Bundle? bundle)) _bundledCount -= bundle.Parts.Count;
    }

    private void Close(OfBundleControl message)
    {
        Bundle bundle = Find(message.BundleId);
        if (bundle.IsClosed || bundle.Flags != message.Flags)
        {
            Discard(message.BundleId);
            throw new OfRefusal(bundle.IsClosed ? "OFPBFC_BUNDLE_CLOSED" : "OFPBFC_BAD_FLAGS", $"bundle {message.BundleId}");
        }

        bundle.IsClosed = true;
    }

    private void AddToBundle(OfBundleAdd message)
    {
        if (!_bundles.TryGetValue(message.BundleId, out Bundle? bundle)) bundle = Open(message.BundleId, message.Flags);
        if (bundle.IsClosed) throw new OfRefusal("OFPBFC_BUNDLE_CLOSED", $"bundle {message.BundleId}");
        if (bundle.Flags != message.Flags) throw new OfRefusal("OFPBFC_BAD_FLAGS", $"bundle {message.BundleId}");
        if (_bundledCount >= MaxBundledMessages) throw new OfRefusal("OFPBFC_MSG_TOO_MANY", $"{MaxBundledMessages} messages");
        ReadOnlySpan<byte> bytes = message.Message.Span;
        if (bytes[0] != (byte)_version) throw new OfRefusal("OFPBFC_BAD_VERSION", "the message has another version");
        OfMessage inner = OfCodec.Decode(bytes);
        object change = inner switch
        {
            OfFlowModMessage flow => Checked(flow),
            OfGroupModMessage group => group.Mod,
            OfPortMod or OfPacketOut => inner,
            _ => throw new OfRefusal("OFPBFC_MSG_UNSUP", $"{inner.Kind} in a bundle"),
        };
        bundle.Parts.Add((change, message.Message));
        _bundledCount++;
    }

    /// <summary>Flows and groups hold together; ports and packets follow, in their order.</summary>
    private void Commit(OfBundleControl message, ReadOnlySpan<byte> bytes)
    {
        Bundle bundle = Find(message.BundleId);
        try
        {
            if (bundle.Flags != message.Flags) throw new OfRefusal("OFPBFC_BAD_FLAGS", $"bundle {message.BundleId}");
            List<int> indexes = [.. Enumerable.Range(0, bundle.Parts.Count).Where(i => bundle.Parts[i].Change is FlowMod or GroupMod)];
            int failed = -1;
            try
            {
                if (indexes.Count > 0) _switch.Apply([.. indexes.Select(i => bundle.Parts[i].Change)], this, message.Xid);
                for (int i = 0; i < bundle.Parts.Count; i++)
                {
                    failed = i;
                    if (bundle.Parts[i].Change is OfPortMod port) _switch.Apply(port);
                    else if (bundle.Parts[i].Change is OfPacketOut packet) _switch.Send(packet);
                }
            }
            catch (FlowModException e)
            {
                Refuse(e.Error, bundle.Parts[indexes[Math.Min(e.Index, indexes.Count - 1)]].Quote.Span);
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
    private sealed class Bundle(OfBundleFlags flags)
    {
        public OfBundleFlags Flags { get; } = flags;

        public bool IsClosed { get; set; }

        /// <summary>Each message, and its bytes for an error.</summary>
        public List<(object Change, OfBytes Quote)> Parts { get; } = [];
    }
}
