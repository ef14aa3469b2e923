using System.Numerics;

namespace Mergeflow.Control.OpenFlow;

/// <summary>
/// One OpenFlow connection of a switch, without its socket: bytes come in by <see cref="Receive"/>, messages go out by <see cref="IOfSink"/> (OVS <c>struct ofconn</c>, <c>handle_openflow</c>).
/// One thread receives; what nobody has asked for comes from any.
/// </summary>
public sealed partial class OfConnection
{
    /// <summary>Versions that are spoken: bit n = version n.</summary>
    private const uint AllVersions = 0b111_1110;

    private readonly IOfSwitch _switch;
    private readonly IOfSink _sink;
    private readonly OfConnectionGroup _group;

    /// <summary>The beginning of a message whose end has not come.</summary>
    private byte[] _held = [];

    /// <summary>0 = no hello has come.</summary>
    private OfVersion _version;

    /// <summary>The upper byte of an OpenFlow 1.0 command is a table (<c>NXT_FLOW_MOD_TABLE_ID</c>).</summary>
    private bool _hasTableIds;

    /// <summary>A connection that has not said anything; <see cref="Open"/> does.</summary>
    /// <param name="of">The switch.</param>
    /// <param name="sink">Where messages go.</param>
    /// <param name="group">The other connections of the switch.</param>
    public OfConnection(IOfSwitch of, IOfSink sink, OfConnectionGroup group) => (_switch, _sink, _group) = (of, sink, group);

    /// <summary>The version that both sides speak; 0 = not known yet.</summary>
    public OfVersion Version => _version;

    /// <summary>Says hello, and is told of what happens from now on.</summary>
    public void Open()
    {
        _group.Add(this);
        _sink.Send(OfCodec.Encode(new OfHello { Kind = OfKind.Hello, Xid = _group.NextXid() }, OfVersion.V15));
    }

    /// <summary>It is over.</summary>
    public void Close() => _group.Remove(this);

    /// <summary>Takes bytes, and answers each message that is whole.</summary>
    /// <returns>False: the connection has to be closed.</returns>
    public bool Receive(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> rest = bytes;
        if (_held.Length > 0)
        {
            byte[] joined = [.. _held, .. bytes];
            _held = [];
            rest = joined;
        }

        while (rest.Length >= OfCodec.HeaderBytes)
        {
            int length = OfCodec.LengthOf(rest);
            if (length < OfCodec.HeaderBytes) return false;
            if (length > rest.Length) break;
            if (!Handle(rest[..length])) return false;
            rest = rest[length..];
        }

        _held = rest.ToArray();
        return true;
    }

    private bool Handle(ReadOnlySpan<byte> bytes)
    {
        if (_version == 0) return Greet(bytes);
        if (bytes[0] != (byte)_version)
        {
            Refuse("OFPBRC_BAD_VERSION", bytes);
            return true;
        }

        try
        {
            OfMessage message = OfCodec.Decode(bytes);
            CheckRole(message.Kind);
            Answer(message, bytes);
        }
        catch (OfRefusal e)
        {
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
        uint common = (hello.Versions ?? ((2u << theirs) - 2)) & AllVersions;
        if (common == 0)
        {
            _version = (OfVersion)Math.Max(1, theirs);
            Refuse("OFPHFC_INCOMPATIBLE", bytes);
            return false;
        }

        _version = (OfVersion)BitOperations.Log2(common);
        return true;
    }

    private OfWriter NewWriter() => new(_version) { TunMetadata0Bytes = Math.Min(8, _switch.Tlvs.FirstOptionBytes) };

    private void Reply(OfMessage message)
    {
        OfWriter writer = NewWriter();
        OfCodec.Encode(message, writer);
        _sink.Send(writer.Written);
    }

    private void Refuse(string error, ReadOnlySpan<byte> refused) => Reply(OfErrorMessage.Of(error, _version, refused));
}
