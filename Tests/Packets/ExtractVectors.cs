using System.IO.Compression;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>Frames with the fields that Open vSwitch 3.1.0 parses from them (<c>ovs-ofctl parse-pcap</c>).</summary>
internal static class ExtractVectors
{
    private static readonly Lazy<(byte[] Frame, string Flow)[]> s_all = new(() => Read("extract.jsonl.gz"));
    private static readonly Lazy<(byte[] Frame, string Flow)[]> s_mutated = new(() => Read("extract-mutated.jsonl.gz"));

    /// <summary>Frames of the conformance cases.</summary>
    public static (byte[] Frame, string Flow)[] All => s_all.Value;

    /// <summary>Frames with headers damaged at random: MPLS, neighbour discovery, extension headers, SNAP, SCTP and IGMP among them.</summary>
    public static (byte[] Frame, string Flow)[] Mutated => s_mutated.Value;

    private static (byte[] Frame, string Flow)[] Read(string name)
    {
        string path = Path.Combine(CaseFiles.DataFolder, name);
        using var reader = new StreamReader(new GZipStream(File.OpenRead(path), CompressionMode.Decompress));
        var all = new List<(byte[], string)>();
        while (reader.ReadLine() is { } line)
        {
            using var json = JsonDocument.Parse(line);
            all.Add((Convert.FromHexString(json.RootElement.GetProperty("hex").GetString()!), json.RootElement.GetProperty("flow").GetString()!));
        }

        return [.. all];
    }
}
