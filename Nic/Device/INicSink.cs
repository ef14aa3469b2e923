namespace Mergeflow.Nic;


/// <summary>Where frames leave. Implement it by a struct: the call is then direct and nothing is allocated.</summary>
public interface INicSink
{
    /// <summary>Takes a frame that a rule sent to <paramref name="port"/>. The bytes are valid only during the call.</summary>
    void Transmit(uint port, ReadOnlySpan<byte> frame);
}
