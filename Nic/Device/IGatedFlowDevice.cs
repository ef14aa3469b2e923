namespace Mergeflow.Nic;

/// <summary>
/// A device whose rules stand behind gates: by a closed one no frame that comes from then on is handled. So any number of rules are taken out of use by one store and a look at who is at work, whatever is in the queue.
/// </summary>
public unsafe interface IGatedFlowDevice : IFlowDevice
{
    /// <summary>256 words, 0 = the gate is open. Any thread writes them.</summary>
    int* Gates { get; }

    /// <summary>On return no frame is under way that came before the call. From any thread.</summary>
    void WaitForUsers();

    /// <summary><see cref="IFlowDevice.EnqueueCreate"/> of a rule behind a gate.</summary>
    bool EnqueueCreate(FlowRule rule, ulong userData, long nowNs, byte gate, out NicHandle handle);
}
