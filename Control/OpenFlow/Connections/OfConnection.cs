using System.Numerics;
using Mergeflow.Native;

namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// One OpenFlow connection of a switch, without its socket: bytes come in by <see cref="Receive"/>, messages go out by <see cref="IOfSink"/> (OVS <c>struct ofconn</c>, <c>handle_openflow</c>).
/// One thread receives; what nobody has asked for comes from any.
/// </summary>
public sealed partial class OfConnection : IOfSession
{
    private readonly IOfSwitch _switch;
    private readonly IOfSink _sink;
    private readonly OfConnectionGroup _group;
    private readonly OfListeners? _listeners;
    private readonly Lock _receiving = new();
    private volatile OfControllerSettings _settings;
    private volatile bool _isAdmitted;

    /// <summary>The beginning of a message whose end has not come; what comes is put behind it.</summary>
    private byte[] _held = [];
    private int _heldCount;

    /// <summary>0 = no hello has come.</summary>
    private OfVersion _version;
    private bool _isIncompatible;

    /// <summary>The upper byte of an OpenFlow 1.0 command is a table (<c>NXT_FLOW_MOD_TABLE_ID</c>).</summary>
    private bool _hasTableIds;

    /// <summary>In OpenFlow 1.0: flows are told of with Nicira's matches (<c>NXFF_NXM</c>).</summary>
    private volatile bool _hasNiciraFlows;

    /// <summary>A connection that has not said anything; <see cref="Open"/> does.</summary>
    /// <param name="of">The switch.</param>
    /// <param name="sink">Where messages go.</param>
    /// <param name="group">The other connections of the switch.</param>
    /// <param name="settings">How it is treated; null = as a controller.</param>
    public OfConnection(IOfSwitch of, IOfSink sink, OfConnectionGroup group, OfControllerSettings? settings = null)
        : this(of, sink, group, settings ?? new OfControllerSettings(), listeners: null)
    {
    }

    /// <summary>One whose messages others may listen to.</summary>
    internal OfConnection(IOfSwitch of, IOfSink sink, OfConnectionGroup group, OfControllerSettings settings, OfListeners? listeners)
    {
        (_switch, _group, _settings, _listeners) = (of, group, settings, listeners);
        _sink = listeners is null ? sink : new CopyingSink(sink, listeners);
        _missSendLength = settings.IsService ? (ushort)0 : DefaultMissSendLength;
        Limit(settings);
    }

    /// <summary>The version that both sides speak; 0 = not known yet.</summary>
    public OfVersion Version => _version;

    /// <inheritdoc/>
    public bool IsGreeted => _version != 0 && !_isIncompatible;

    /// <summary>The other side has done what only a controller does that has taken the switch over (OVS <c>is_admitted_msg</c>).</summary>
    internal bool IsAdmitted => _isAdmitted;

    /// <summary>Says hello, and is told of what happens from now on.</summary>
    public void Open()
    {
        _group.Add(this);
        uint versions = _settings.Versions;
        bool isPlain = BitOperations.IsPow2((versions >> 1) + 1);
        OfHello hello = new() { Kind = OfKind.Hello, Xid = _group.NextXid(), Versions = isPlain ? null : versions };
        _sink.Send(OfCodec.Encode(hello, (OfVersion)BitOperations.Log2(versions)));
    }

    /// <inheritdoc/>
    public void Probe() => TrySend(new OfOpaque { Kind = OfKind.EchoRequest, Xid = 0 });

    /// <summary>Takes other settings.</summary>
    internal void Configure(OfControllerSettings settings)
    {
        _settings = settings;
        Limit(settings);
    }

    /// <summary>It is over.</summary>
    public void Close() => _group.Remove(this);

    /// <summary>Takes bytes, and answers each message that is whole.</summary>
    /// <returns>False: the connection has to be closed.</returns>
    public bool Receive(ReadOnlySpan<byte> bytes)
    {
        lock (_receiving)
        {
            bool wantedMisses = WantsMisses, goesOn = ReceiveHere(bytes);
            if (wantedMisses != WantsMisses) _group.Changed?.Invoke();
            return goesOn;
        }
    }

    /// <summary>A message is handled when it is this connection's turn, so that what one asks for does not keep the others waiting.</summary>
    private bool HandleInTurn(ReadOnlySpan<byte> received, Range at)
    {
        if (_sink.IsClosed) return false;
        OfTurns.Shared.Enter();
        try
        {
            return Handle(received, at);
        }
        finally
        {
            OfTurns.Shared.Exit();
        }
    }

    private bool ReceiveHere(ReadOnlySpan<byte> bytes)
    {
        ExpireBundles(ProcessClock.NowMs);
        ReadOnlySpan<byte> received = bytes;
        if (_heldCount > 0)
        {
            Hold(bytes);
            received = _held.AsSpan(0, _heldCount);
        }

        int at = 0;
        bool goesOn = true;
        while (goesOn && received.Length - at >= OfCodec.HeaderBytes)
        {
            int length = OfCodec.LengthOf(received[at..]);
            goesOn = length >= OfCodec.HeaderBytes;
            if (!goesOn || length > received.Length - at) break;
            goesOn = HandleInTurn(received, at..(at + length));
            at += length;
        }

        ApplyGathered(received);
        Keep(goesOn ? received[at..] : default);
        return goesOn;
    }

    /// <summary>Puts bytes behind what is held: each is copied once, however small the pieces are in which a message comes.</summary>
    private void Hold(ReadOnlySpan<byte> bytes)
    {
        if (_heldCount + bytes.Length > _held.Length) Array.Resize(ref _held, Math.Max(2 * _held.Length, _heldCount + bytes.Length));
        bytes.CopyTo(_held.AsSpan(_heldCount));
        _heldCount += bytes.Length;
    }

    /// <summary>Holds this, which may be the end of what was held, and nothing else.</summary>
    private void Keep(ReadOnlySpan<byte> rest)
    {
        if (rest.Length == _heldCount) return;
        if (rest.IsEmpty) _held = [];
        else if (_heldCount > 0) rest.CopyTo(_held);
        else Hold(rest);
        _heldCount = rest.Length;
    }

    private bool Handle(ReadOnlySpan<byte> received, Range at)
    {
        ReadOnlySpan<byte> bytes = received[at];
        _listeners?.Tell(bytes);
        if (_version == 0) return Greet(bytes);
        if (bytes[0] != (byte)_version)
        {
            ApplyGathered(received);
            Refuse("OFPBRC_BAD_VERSION", bytes, bytes[0] is >= (byte)OfVersion.V10 and <= (byte)OfVersion.V15 ? (OfVersion)bytes[0] : _version);
            return true;
        }

        try
        {
            OfMessage message = OfCodec.DecodeForSwitch(bytes);
            if (!_isAdmitted) _isAdmitted = IsFromController(message.Kind);
            CheckRole(message.Kind);
            if (message is OfFlowModMessage flow && MayGather)
            {
                Gather(Checked(flow), at, received);
                return true;
            }

            ApplyGathered(received);
            Answer(message, bytes);
        }
        catch (OfRefusal e)
        {
            ApplyGathered(received);
            Refuse(e.Error, bytes);
        }
        catch (FlowModException e)
        {
            Refuse(e.Error, bytes);
        }

        return true;
    }

    /// <summary>The first message has to be a hello; the greatest version in common counts.</summary>
    private bool Greet(ReadOnlySpan<byte> bytes)
    {
        if (bytes[1] != 0) return false;
        OfHello hello;
        try
        {
            hello = (OfHello)OfCodec.Decode(bytes);
        }
        catch (OfRefusal)
        {
            return false;
        }

        int theirs = Math.Min(bytes[0], (byte)OfVersion.V15);
        uint theirVersions = hello.Versions ?? ((2u << theirs) - 2);
        uint common = theirVersions & _settings.Versions;
        if (common == 0)
        {
            _isIncompatible = true;
            _version = (OfVersion)Math.Max(1, theirs);
            string text = $"We support {OfVersions.Text(_settings.Versions)}, you support {OfVersions.Text(theirVersions)}, no common versions.";
            Reply(OfErrorMessage.InWords("OFPHFC_INCOMPATIBLE", _version, text));
            return false;
        }

        _version = (OfVersion)BitOperations.Log2(common);
        return true;
    }

    private OfWriter NewWriter() => new(_version) { TunMetadata0Bytes = Math.Min(8, _switch.Tlvs.FirstOptionBytes), OptionHeaderBytes = _switch.Tlvs.FirstOptionBytes };

    private void Reply(OfMessage message)
    {
        OfWriter writer = NewWriter();
        if (!OfCodec.TryEncode(message, writer)) throw new OfRefusal("OFPBRC_BAD_LEN", "the answer is longer than a message");
        _sink.Send(writer.Written);
    }

    private static bool IsFromController(OfKind kind) => kind is not (OfKind.Hello or OfKind.Error or OfKind.EchoRequest or OfKind.EchoReply or OfKind.FeaturesRequest or OfKind.FeaturesReply
        or OfKind.GetConfigRequest or OfKind.GetConfigReply or OfKind.SetConfig or OfKind.QueueGetConfigRequest or OfKind.QueueGetConfigReply or OfKind.GetAsyncRequest or OfKind.GetAsyncReply
        or OfKind.GroupRequest or OfKind.GroupReply or OfKind.GroupDescRequest or OfKind.GroupDescReply or OfKind.GroupFeaturesRequest or OfKind.GroupFeaturesReply
        or OfKind.TableFeaturesRequest or OfKind.TableFeaturesReply or OfKind.TableDescRequest or OfKind.TableDescReply);

    private void Refuse(string error, ReadOnlySpan<byte> refused) => Refuse(error, refused, _version);

    /// <summary>The same in the version of the message, which may be another one (OVS <c>ofperr_encode_reply</c>).</summary>
    private void Refuse(string error, ReadOnlySpan<byte> refused, OfVersion version)
    {
        OfWriter writer = new(version);
        OfCodec.Encode(OfErrorMessage.Of(error, version, refused), writer);
        _sink.Send(writer.Written);
    }

    /// <summary>What goes out is seen by those who listen.</summary>
    private sealed class CopyingSink(IOfSink sink, OfListeners listeners) : IOfSink
    {
        public bool IsClosed => sink.IsClosed;

        public void Send(ReadOnlySpan<byte> messages)
        {
            listeners.Tell(messages);
            sink.Send(messages);
        }

        public bool TrySend(ReadOnlySpan<byte> message)
        {
            listeners.Tell(message);
            return sink.TrySend(message);
        }

        public bool TrySendPacket(ReadOnlySpan<byte> message, int mostWaiting)
        {
            listeners.Tell(message);
            return sink.TrySendPacket(message, mostWaiting);
        }
    }
}
