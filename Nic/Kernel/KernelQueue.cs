using System.Numerics;

namespace Mergeflow.Nic;

/// <summary>A queue that can be looked into. It grows.</summary>
internal sealed class KernelQueue<T>
{
    private T[] _items = new T[64];
    private int _first;

    /// <summary>What is in it.</summary>
    public int Count { get; private set; }

    /// <summary>The one that comes after so many others.</summary>
    public ref T At(int index) => ref _items[(_first + index) & (_items.Length - 1)];

    public void Enqueue(in T item)
    {
        if (Count == _items.Length) Grow();
        Count++;
        At(Count - 1) = item;
    }

    public T Dequeue()
    {
        ref T place = ref At(0);
        T item = place;
        place = default!;
        _first = (_first + 1) & (_items.Length - 1);
        Count--;
        return item;
    }

    private void Grow()
    {
        T[] more = new T[BitOperations.RoundUpToPowerOf2((uint)_items.Length + 1)];
        for (int i = 0; i < Count; i++) more[i] = At(i);
        (_items, _first) = (more, 0);
    }
}
