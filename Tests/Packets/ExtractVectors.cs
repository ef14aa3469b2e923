using System.IO.Compression;
using System.Text.Json;

namespace Mergeflow.Tests;

/// <summary>Frames with the fields that Open vSwitch 3.1.0 parses from them (<c>ovs-ofctl parse-pcap</c>).</summary>
internal static class ExtractVectors
{
    private static readonly Lazy<(byte[] Frame, string Flow)[]> s_all = new(Read);

    public static (byte[] Frame, string Flow)[] All => s_all.Value;

    private static (byte[] Frame, string Flow)[] Read()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "Data", "extract.jsonl.gz");
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
