namespace Mergeflow.Nic;


/// <summary>How the writer of a <see cref="NicGate{TFence}"/> makes sure that it sees readers that are already inside.</summary>
public interface IGateFence
{
    /// <summary>Orders every thread's earlier stores before the caller's later loads.</summary>
    static abstract void Synchronize();
}
