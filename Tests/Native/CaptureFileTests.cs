using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public abstract class CaptureFileTests : IDisposable
{
    protected static readonly byte[] FrameA = [.. Enumerable.Range(0, 60).Select(i => (byte)i)];
    protected static readonly byte[] FrameB = [.. Enumerable.Range(0, 61).Select(i => (byte)(200 - i))];

    private readonly string _directory = Directory.CreateTempSubdirectory("mergeflow").FullName;

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected string Save(byte[] bytes, string name = "x.pcap")
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    protected CaptureReader Open(byte[] bytes) => CaptureFile.Open(Save(bytes));

    protected CaptureFormatException Refused(byte[] bytes)
    {
        string path = Save(bytes);
        var refusal = Assert.Throws<CaptureFormatException>(() => CaptureFile.Open(path));
        Assert.StartsWith($"{path}: offset {refusal.OffsetBytes}: ", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
        return refusal;
    }

    protected static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);

    protected static List<(string Hex, long TimestampNs, int OriginalBytes, int InterfaceIndex)> Frames(CaptureReader reader)
    {
        var frames = new List<(string, long, int, int)>();
        while (reader.TryRead(out CaptureFrame frame))
        {
            Assert.Equal(frame.Bytes.Length, frame.CapturedBytes);
            Assert.Equal(frame.OriginalBytes > frame.CapturedBytes, frame.IsCut);
            frames.Add((Hex(frame.Bytes), frame.TimestampNs, frame.OriginalBytes, frame.InterfaceIndex));
        }

        Assert.Equal(reader.FrameCount, frames.Count);
        return frames;
    }
}
