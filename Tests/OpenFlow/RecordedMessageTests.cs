using Mergeflow.Control.OpenFlow;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Every recorded message is understood, and written again it is the same, byte by byte.</summary>
public sealed class RecordedMessageTests
{
    public static TheoryData<string> Names => [.. RecordedMessages.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_message_read_and_written_is_the_same(string name)
    {
        List<string> differences = [];
        foreach (byte[] bytes in RecordedMessages.Distinct(name)) Check(bytes, name.StartsWith("ovn", StringComparison.Ordinal), differences);
        Assert.True(differences.Count == 0, $"{differences.Count} differ:\n{string.Join((char)10, differences.Take(20))}");
    }

    /// <summary>
    /// os-ken writes what Open vSwitch itself does not keep: how much of a packet goes to a port that is no controller, an out_port of 0 for additions, and fields in another order.
    /// A flow of OpenFlow 1.0 without wildcards comes before all others: its priority is no longer what it was.
    /// </summary>
    private static bool IsAnotherStyle(OfMessage message, byte[] bytes)
        => (message.Xid >> 16 == 0x8f74 && message.Kind is OfKind.FlowMod or OfKind.PacketOut && bytes[0] == (byte)OfVersion.V13)
        || message is OfFlowModMessage { Mod.Priority: ushort.MaxValue };

    private static void Check(byte[] bytes, bool isOvn, List<string> differences)
    {
        OfMessage message;
        try
        {
            message = OfCodec.Decode(bytes);
        }
        catch (OfRefusal e)
        {
            differences.Add($"{Convert.ToHexStringLower(bytes)}: {e.Message}");
            return;
        }

        var version = (OfVersion)bytes[0];
        byte[] again = RecordedMessages.Encode(message, version, isOvn);
        if (!again.AsSpan().SequenceEqual(bytes) && !IsAnotherStyle(message, bytes)) differences.Add($"{message.Kind}\n  {Convert.ToHexStringLower(bytes)}\n  {Convert.ToHexStringLower(again)}");
        if (message is OfBundleAdd add) Check(add.Message.Span.ToArray(), isOvn, differences);
        OfMessage twice = OfCodec.Decode(again);
        if (!twice.Equals(message)) differences.Add($"{message.Kind}: not equal to itself: {Convert.ToHexStringLower(bytes)}");
    }
}
