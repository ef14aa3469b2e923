using Mergeflow.Native;

namespace Mergeflow.Engine.Ports;

/// <summary>A capture that frames are written to as they come, each at once (OVS <c>ovs_pcap_open</c> with <c>ab</c>).</summary>
internal sealed class PcapFile : IDisposable
{
    private readonly FileStream _stream;
    private readonly PcapWriter _writer;

    private PcapFile(FileStream stream, PcapWriter writer) => (_stream, _writer) = (stream, writer);

    /// <summary>Opens a file behind what it has; one that is empty or not there gets a header.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static PcapFile Append(string path)
    {
        FileStream stream = new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        stream.Seek(0, SeekOrigin.End);
        PcapFile file = new(stream, new PcapWriter(stream, nanoseconds: false, hasHeader: stream.Length > 0));
        stream.Flush();
        return file;
    }

    public void Write(ReadOnlySpan<byte> frame)
    {
        _writer.Write(frame, (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100);
        _stream.Flush();
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
