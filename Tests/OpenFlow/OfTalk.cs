using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A controller without a socket: says messages to a connection, and keeps what comes back.</summary>
internal sealed class OfTalk : IOfSink
{
    private uint _xid = 100;

    public OfTalk(IOfSwitch of, OfConnectionGroup group, OfVersion version, bool greets = true, OfControllerSettings? settings = null)
    {
        Version = version;
        Connection = new OfConnection(of, this, group, settings);
        Connection.Open();
        Come.Clear();
        if (greets) Connection.Receive(OfCodec.Encode(new OfHello { Kind = OfKind.Hello }, version));
    }

    public OfConnection Connection { get; }

    public OfVersion Version { get; }

    /// <summary>What has come and was not looked at.</summary>
    public List<OfMessage> Come { get; } = [];

    /// <summary>Names of the errors among it; what has come is looked at.</summary>
    public IReadOnlyList<string?> TakeErrors()
    {
        List<string?> errors = [.. Come.OfType<OfErrorMessage>().Select(e => e.Name(Version))];
        Come.Clear();
        return errors;
    }

    /// <summary>Says something; the answers.</summary>
    public IReadOnlyList<OfMessage> Say(OfMessage message)
    {
        Come.Clear();
        Assert.True(Connection.Receive(OfCodec.Encode(message with { Xid = ++_xid }, Version)));
        return [.. Come];
    }

    /// <summary>Says something that is refused, or not; the error.</summary>
    public string? ErrorOf(OfMessage message) => Say(message).OfType<OfErrorMessage>().Select(e => e.Name(Version)).FirstOrDefault();

    /// <summary>Puts a message into a bundle.</summary>
    public string? ErrorOfAdding(uint bundle, OfBundleFlags flags, OfMessage message)
    {
        byte[] inner = OfCodec.Encode(message with { Xid = _xid + 1 }, Version);
        return ErrorOf(new OfBundleAdd { Kind = OfKind.BundleAdd, BundleId = bundle, Flags = flags, Message = new OfBytes(inner) });
    }

    public string? ErrorOfBundle(uint bundle, OfBundleCommand command, OfBundleFlags flags = OfBundleFlags.Atomic)
        => ErrorOf(new OfBundleControl { Kind = OfKind.BundleControl, BundleId = bundle, Command = command, Flags = flags });

    /// <summary>Rules as text would say them.</summary>
    public static OfFlowModMessage Flow(string text, FlowModCommand command = FlowModCommand.Add) => new() { Kind = OfKind.FlowMod, Mod = new FlowTextParser().ParseFlow(text, defaultCommand: command) };

    public static OfGroupModMessage Group(string text, GroupModCommand command = GroupModCommand.Add) => new() { Kind = OfKind.GroupMod, Mod = new FlowTextParser().ParseGroup(text) with { Command = command } };

    public void Send(ReadOnlySpan<byte> messages) => Take(messages);

    public bool TrySend(ReadOnlySpan<byte> message)
    {
        Take(message);
        return true;
    }

    private void Take(ReadOnlySpan<byte> messages)
    {
        while (messages.Length > 0)
        {
            int length = OfCodec.LengthOf(messages);
            Come.Add(OfCodec.Decode(messages[..length]));
            messages = messages[length..];
        }
    }
}
