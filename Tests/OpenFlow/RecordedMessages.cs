using System.IO.Compression;
using Mergeflow.Control.OpenFlow;

namespace Mergeflow.Tests;

/// <summary>What ovs-ofctl, os-ken, ovs-testcontroller and ovn-controller exchanged with Open vSwitch 3.1.0, message by message.</summary>
internal static class RecordedMessages
{
    public static IReadOnlyList<string> Names { get; } = ["ofctl-1.0", "ofctl-1.3", "ofctl-1.4", "ofctl-1.5", "os-ken", "testcontroller", "ovn-c1", "ovn-c2"];

    /// <summary>Each message once, in the order in which it came first.</summary>
    public static IReadOnlyList<byte[]> Distinct(string name) => [.. Lines(name).Select(static l => l.Hex).Distinct().Select(Convert.FromHexString)];

    /// <summary>All of them: number of the connection, to the switch or from it, the message.</summary>
    public static IEnumerable<(int Connection, bool ToSwitch, string Hex)> Lines(string name)
    {
        using FileStream file = File.OpenRead(Path.Combine(RepositoryFiles.Root, "Tests", "Data", "openflow", name + ".txt.gz"));
        using var text = new StreamReader(new GZipStream(file, CompressionMode.Decompress));
        while (text.ReadLine() is { } line)
        {
            string[] parts = line.Split(' ');
            yield return (int.Parse(parts[0]), parts[1] == ">", parts[2]);
        }
    }

    /// <summary>Writes a message as the other side would: with the Geneve option that OVN has mapped.</summary>
    public static byte[] Encode(OfMessage message, OfVersion version, bool isOvn)
    {
        var writer = new OfWriter(version) { TunMetadata0Bytes = isOvn ? 4 : 0 };
        OfCodec.Encode(message, writer);
        return writer.Written.ToArray();
    }
}
