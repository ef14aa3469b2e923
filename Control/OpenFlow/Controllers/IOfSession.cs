namespace Mergeflow.Control.OpenFlow;

/// <summary>What is said on a connection; bytes come by one thread.</summary>
internal interface IOfSession
{
    /// <summary>A version has been agreed on.</summary>
    bool IsGreeted { get; }

    /// <summary>Says the first thing.</summary>
    void Open();

    /// <summary>Takes bytes; false = the connection has to be closed.</summary>
    bool Receive(ReadOnlySpan<byte> bytes);

    /// <summary>Asks whether the other side is there. From any thread.</summary>
    void Probe();

    /// <summary>It is over.</summary>
    void Close();
}
