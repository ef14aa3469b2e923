using Mergeflow.Nic;

namespace Mergeflow.Tests;

/// <summary>Keeps what a device sends.</summary>
internal readonly struct NicSink(List<(uint Port, byte[] Frame)> sent) : INicSink
{
    public List<(uint Port, byte[] Frame)> Sent => sent;

    public void Transmit(uint port, ReadOnlySpan<byte> frame) => sent.Add((port, frame.ToArray()));
}
